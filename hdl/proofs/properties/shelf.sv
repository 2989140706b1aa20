// A FIFO in LUT RAM loses no word, repeats none and keeps their order; what waits at its output stays as it is.
//
// block: shelf
// depth: 12
// induction: 2
// mutant: the place that is read moves on without a word
// find: if (m_axis_ready & (pushed_q != taken_q)) begin
// replace: if (m_axis_ready) begin
module proof(input clock, input reset, input [3:0] s_data, input s_valid, input m_ready);
    wire s_ready, m_valid;
    wire [3:0] m_data;
    wire [2:0] fill;
    block dut(.clock(clock), .reset(reset), .s_axis_data(s_data), .s_axis_valid(s_valid), .s_axis_ready(s_ready),
              .fill(fill), .m_axis_data(m_data), .m_axis_valid(m_valid), .m_axis_ready(m_ready));
    initial assume (reset);

    wire live;
    wire [2:0] held, ahead;
    wire [3:0] word;
    order #(.W(4), .N(3)) order(.clock(clock), .forget(reset), .push(s_valid & s_ready), .pushed(s_data), .back(3'd0),
        .pop(m_valid & m_ready), .popped(m_data), .held(held), .live(live), .ahead(ahead), .word(word));
    stream #(.W(4)) out(.clock(clock), .reset(reset), .valid(m_valid), .ready(m_ready), .data(m_data));
    progress #(.LIMIT(0)) progress(.clock(clock), .reset(reset), .held(held != 0), .valid(m_valid));

    (* hierconn *) wire [2:0] \dut.pushed_q ;
    (* hierconn *) wire [2:0] \dut.taken_q ;
    (* hierconn *) wire [1:0] \dut.memory.peek_at ;
    assign \dut.memory.peek_at = \dut.taken_q + ahead;
    (* hierconn *) wire [3:0] \dut.memory.peek ;
`ifdef INVARIANTS
    wire [2:0] stored = \dut.pushed_q - \dut.taken_q ;
    reg started;
    initial started = 0;
    always @(posedge clock) started <= 1;
    always @(*) if (started) begin
        assert (stored <= 4);
        assert (held == stored);
        assert (fill == stored);
        assert (~live | (\dut.memory.peek == word));
    end
`endif
endmodule
