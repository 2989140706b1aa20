// Every m_axis_tx port keeps to AXI-Stream: what is valid stays valid and as it is until it is taken, nothing is valid in the clock
// after reset, tkeep is all ones but in a last beat and there ones from lane 0 up. The block is the one that drives the pins.
//
// block: axis_out
// depth: 10
// induction: 2
// mutant: the lanes that count are taken without waiting for the pins
// find: keep_m_axis_ready = m_axis_tready;
// replace: keep_m_axis_ready = 1'b1;
module proof(input clock, input reset, input [67:0] s_data, input s_valid, input tready);
    wire s_ready, tlast, tvalid, sent_valid;
    wire [63:0] tdata;
    wire [7:0] tkeep;
    wire [15:0] sent_length;
    block dut(.clock(clock), .reset(reset), .s_axis_data(s_data), .s_axis_valid(s_valid), .s_axis_ready(s_ready),
        .m_axis_tdata(tdata), .m_axis_tkeep(tkeep), .m_axis_tlast(tlast), .m_axis_tvalid(tvalid), .m_axis_tready(tready),
        .sent_valid(sent_valid), .sent_length(sent_length));
    initial assume (reset);
    stream #(.W(73)) out(.clock(clock), .reset(reset), .valid(tvalid), .ready(tready), .data({tdata, tkeep, tlast}));
    reg started;
    initial started = 0;
    always @(posedge clock) started <= 1;
    always @(*) if (started & tvalid) begin
        whole_beats_first: assert (tlast | (tkeep == 8'hff));
        bytes_from_lane_0_up: assert (((tkeep & (tkeep + 8'd1)) == 0) & tkeep[0]);
    end
`ifdef INVARIANTS
    // The three skids move as one.
    (* hierconn *) wire \dut.data.main_valid_q ;
    (* hierconn *) wire \dut.keep.main_valid_q ;
    (* hierconn *) wire \dut.last.main_valid_q ;
    (* hierconn *) wire \dut.data.spare_valid_q ;
    (* hierconn *) wire \dut.keep.spare_valid_q ;
    (* hierconn *) wire \dut.last.spare_valid_q ;
    (* hierconn *) wire [7:0] \dut.keep.spare_q ;
    (* hierconn *) wire \dut.last.spare_q ;
    wire [7:0] keep = \dut.keep.spare_q ;
    always @(*) if (started) begin
        assert ((\dut.data.main_valid_q == \dut.keep.main_valid_q ) & (\dut.data.main_valid_q == \dut.last.main_valid_q ));
        assert ((\dut.data.spare_valid_q == \dut.keep.spare_valid_q ) & (\dut.data.spare_valid_q == \dut.last.spare_valid_q ));
        assert (~\dut.keep.spare_valid_q | \dut.last.spare_q | (keep == 8'hff));
        assert (~\dut.keep.spare_valid_q | (((keep & (keep + 8'd1)) == 0) & keep[0]));
    end
`endif
endmodule
