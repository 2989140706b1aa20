// What goes through a FIFO, followed by one word of it: any one, because the solver chooses its number.
//
// The word that went in as number `number` has to come out as that number, as it went in: none is lost, repeated or overtaken.
// Numbers go around; 2^N has to be more than the words that fit inside, so that those inside have one each.
module order #(parameter W = 4, parameter N = 3) (
    input clock,
    input forget,
    input push,
    input [W-1:0] pushed,
    // So many of the words pushed last are taken back, the one of this clock included.
    input [N-1:0] back,
    input pop,
    input [W-1:0] popped,
    // Words inside.
    output [N-1:0] held,
    // The word that is followed is inside, with so many ahead of it.
    output reg live,
    output [N-1:0] ahead,
    output reg [W-1:0] word
);
    (* anyconst *) wire [N-1:0] number;
    reg [N-1:0] in;
    reg [N-1:0] out;
    initial in = 0;
    initial out = 0;
    initial live = 0;
    wire [N-1:0] in_next = in + push - back;
    wire [N-1:0] held_next = in_next - out;
    wire marked = push & (in == number) & ~live;
    assign held = in - out;
    assign ahead = number - out;
    always @(posedge clock) begin
        in <= in_next;
        out <= out + pop;
        if (marked) word <= pushed;
        live <= (live | marked) & (ahead < held_next) & ~(pop & (ahead == 0));
        if (forget) begin
            in <= 0;
            out <= 0;
            live <= 0;
        end
    end
    always @(*) begin
        followed: assert (live == (ahead < held));
        nothing_from_nothing: assert (forget | ~pop | (held != 0));
        as_it_went_in: assert (forget | ~(pop & live & (ahead == 0)) | (popped == word));
    end
endmodule
