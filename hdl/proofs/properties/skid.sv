// A skid buffer loses no word, repeats none and keeps their order; what waits at its output stays as it is.
//
// block: skid
// depth: 12
// induction: 2
// mutant: a word is put aside and not said to be there
// find: spare_valid_q <= 1'b1;
// replace: spare_valid_q <= 1'b0;
module proof(input clock, input reset, input [7:0] s_data, input s_valid, input m_ready);
    wire s_ready, m_valid;
    wire [7:0] m_data;
    block dut(.clock(clock), .reset(reset), .s_axis_data(s_data), .s_axis_valid(s_valid), .s_axis_ready(s_ready),
              .m_axis_data(m_data), .m_axis_valid(m_valid), .m_axis_ready(m_ready));
    initial assume (reset);

    wire live;
    wire [1:0] held, ahead;
    wire [7:0] word;
    order #(.W(8), .N(2)) order(.clock(clock), .forget(reset), .push(s_valid & s_ready), .pushed(s_data), .back(2'd0),
        .pop(m_valid & m_ready), .popped(m_data), .held(held), .live(live), .ahead(ahead), .word(word));
    stream #(.W(8)) out(.clock(clock), .reset(reset), .valid(m_valid), .ready(m_ready), .data(m_data));
    progress #(.LIMIT(0)) progress(.clock(clock), .reset(reset), .held(held != 0), .valid(m_valid));

    // Where the words are.
    (* hierconn *) wire \dut.main_valid_q ;
    (* hierconn *) wire \dut.spare_valid_q ;
    (* hierconn *) wire [7:0] \dut.main_q ;
    (* hierconn *) wire [7:0] \dut.spare_q ;
`ifdef INVARIANTS
    reg started;
    initial started = 0;
    always @(posedge clock) started <= 1;
    always @(*) if (started) begin
        assert (held == \dut.main_valid_q + \dut.spare_valid_q );
        assert (~\dut.spare_valid_q | \dut.main_valid_q );
        assert (~live | (ahead != 0) | (\dut.main_q == word));
        assert (~live | (ahead != 1) | (\dut.spare_q == word));
    end
`endif
endmodule
