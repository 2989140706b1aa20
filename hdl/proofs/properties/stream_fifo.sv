// A FIFO of words loses no word, repeats none and keeps their order; what waits at its output stays as it is.
//
// block: stream_fifo
// depth: 16
// induction: 4
// mutant: a word is said to be taken at a full store
// find: s_axis_ready = ~full_q;
// replace: s_axis_ready = 1'b1;
module proof(input clock, input reset, input [3:0] s_data, input s_valid, input m_ready);
    wire s_ready, m_valid;
    wire [3:0] m_data;
    wire [2:0] fill, space;
    block dut(.clock(clock), .reset(reset), .s_axis_data(s_data), .s_axis_valid(s_valid), .s_axis_ready(s_ready),
              .fill(fill), .space(space), .m_axis_data(m_data), .m_axis_valid(m_valid), .m_axis_ready(m_ready));
    initial assume (reset);

    wire live;
    wire [2:0] held, ahead;
    wire [3:0] word;
    order #(.W(4), .N(3)) order(.clock(clock), .forget(reset), .push(s_valid & s_ready), .pushed(s_data), .back(3'd0),
        .pop(m_valid & m_ready), .popped(m_data), .held(held), .live(live), .ahead(ahead), .word(word));
    stream #(.W(4)) out(.clock(clock), .reset(reset), .valid(m_valid), .ready(m_ready), .data(m_data));
    progress #(.LIMIT(2)) progress(.clock(clock), .reset(reset), .held(held != 0), .valid(m_valid));

    (* hierconn *) wire [2:0] \dut.inner.pushed_q ;
    (* hierconn *) wire [2:0] \dut.inner.committed_q ;
    (* hierconn *) wire [2:0] \dut.inner.taken_q ;
    (* hierconn *) wire \dut.inner.valid_s1_q ;
    (* hierconn *) wire \dut.inner.valid_s2_q ;
    (* hierconn *) wire [3:0] \dut.inner.word_s2_q ;
    (* hierconn *) wire [3:0] \dut.inner.memory_rdata ;
    wire [2:0] stored = \dut.inner.pushed_q - \dut.inner.taken_q ;
    wire [2:0] staged = \dut.inner.valid_s1_q + \dut.inner.valid_s2_q ;
    (* hierconn *) wire [1:0] \dut.inner.memory.peek_at ;
    assign \dut.inner.memory.peek_at = \dut.inner.taken_q + ahead - staged;
    (* hierconn *) wire [3:0] \dut.inner.memory.peek ;
`ifdef INVARIANTS
    reg started;
    initial started = 0;
    always @(posedge clock) started <= 1;
    always @(*) if (started) begin
        assert (stored <= 4);
        assert (\dut.inner.committed_q == \dut.inner.pushed_q );
        assert (held == stored + staged);
        assert (fill == stored);
        assert (space == 4 - stored);
        assert (s_ready == (stored != 4));
        if (live) begin
            if (ahead == 0 & \dut.inner.valid_s2_q ) assert (\dut.inner.word_s2_q == word);
            if (ahead == \dut.inner.valid_s2_q & \dut.inner.valid_s1_q ) assert (\dut.inner.memory_rdata == word);
            if (ahead >= staged) assert (\dut.inner.memory.peek == word);
        end
    end
`endif
endmodule
