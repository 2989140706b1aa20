//! Line plots of figures, as SVG: several named series, both axes linear.

use std::ops::Range;
use std::path::Path;

use anyhow::Context;
use plotters::prelude::*;

/// Size of a plot in pixels.
const SIZE: (u32, u32) = (960, 540);
const MARGIN: u32 = 16;
const LABEL_AREA: u32 = 64;
const TITLE_HEIGHT: u32 = 22;
const TEXT_HEIGHT: u32 = 15;
/// Room above the highest value, as a share of it.
const HEAD_ROOM: f64 = 0.05;

/// One line.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// A plot.
#[derive(Debug, Clone)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// What the horizontal axis says, with its unit. It spans the values there are.
    pub x_axis: String,
    /// What the vertical axis says, with its unit. It begins at zero.
    pub y_axis: String,
    /// The lines, in the order of the legend.
    pub series: Vec<Series>,
}

impl Plot {
    /// Writes the plot to an SVG file.
    ///
    /// # Errors
    /// When it cannot be drawn or written; names the file.
    pub fn write_svg(&self, path: &Path) -> anyhow::Result<()> {
        let svg = self.to_svg().with_context(|| format!("draw {}", path.display()))?;
        std::fs::write(path, svg).with_context(|| format!("write {}", path.display()))
    }

    /// The plot as an SVG document.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub fn to_svg(&self) -> anyhow::Result<String> {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            root.fill(&WHITE)?;
            let mut chart = ChartBuilder::on(&root)
                .caption(&self.title, ("sans-serif", TITLE_HEIGHT))
                .margin(MARGIN)
                .x_label_area_size(LABEL_AREA)
                .y_label_area_size(LABEL_AREA)
                .build_cartesian_2d(self.x_range(), self.y_range())?;
            let text = ("sans-serif", TEXT_HEIGHT);
            chart.configure_mesh().x_desc(&self.x_axis).y_desc(&self.y_axis).label_style(text).axis_desc_style(text).draw()?;
            for (number, series) in self.series.iter().enumerate() {
                let style = Palette99::pick(number).stroke_width(2);
                let line = chart.draw_series(LineSeries::new(series.points.iter().copied(), style))?;
                line.label(&series.name).legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
            }
            let mut legend = chart.configure_series_labels();
            legend
                .position(SeriesLabelPosition::UpperLeft)
                .background_style(WHITE)
                .border_style(BLACK)
                .label_font(text)
                .draw()?;
            root.present()?;
        }
        Ok(svg)
    }

    fn x_range(&self) -> Range<f64> {
        let values = || self.points().map(|(x, _)| x);
        wide(values().fold(f64::INFINITY, f64::min)..values().fold(f64::NEG_INFINITY, f64::max))
    }

    fn y_range(&self) -> Range<f64> {
        wide(0.0..self.points().map(|(_, y)| y).fold(0.0, f64::max) * (1.0 + HEAD_ROOM))
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.series.iter().flat_map(|series| series.points.iter().copied())
    }
}

/// The range, or one around nothing if it has no width.
fn wide(range: Range<f64>) -> Range<f64> {
    if range.start < range.end { range } else { 0.0..1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_names_its_axes_and_series() {
        let series = |name: &str, top| Series { name: name.to_owned(), points: vec![(60.0, 0.0), (1518.0, top)] };
        let plot = Plot {
            title: "Two widths".to_owned(),
            x_axis: "frame (bytes)".to_owned(),
            y_axis: "rate (frames/clock)".to_owned(),
            series: vec![series("64 bits", 1.0), series("512 bits", 0.5)],
        };
        let svg = plot.to_svg().unwrap();
        for text in ["Two widths", "frame (bytes)", "rate (frames/clock)", "64 bits", "512 bits", "<polyline"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
    }

    #[test]
    fn a_plot_of_nothing_is_a_plot() {
        let plot = Plot { title: "Nothing".to_owned(), x_axis: "x".to_owned(), y_axis: "y".to_owned(), series: Vec::new() };
        assert!(plot.to_svg().unwrap().ends_with("</svg>\n"));
    }
}
