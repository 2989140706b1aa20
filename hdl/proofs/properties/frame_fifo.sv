// A FIFO of frames loses no committed word, repeats none and keeps their order; words rolled back never come out.
//
// block: frame_fifo
// depth: 16
// induction: 4
// mutant: a rollback that comes with a commit does not win
// find: if (rollback) begin\n            pushed_q <= committed_q;
// replace: if (rollback & ~commit) begin\n            pushed_q <= committed_q;
module proof(input clock, input reset, input [3:0] s_data, input s_valid, input commit, input rollback, input m_ready);
    wire s_ready, m_valid;
    wire [3:0] m_data;
    wire [2:0] fill, space;
    block dut(.clock(clock), .reset(reset), .s_axis_data(s_data), .s_axis_valid(s_valid), .s_axis_ready(s_ready),
              .commit(commit), .rollback(rollback), .fill(fill), .space(space),
              .m_axis_data(m_data), .m_axis_valid(m_valid), .m_axis_ready(m_ready));
    initial assume (reset);

    (* hierconn *) wire [2:0] \dut.pushed_q ;
    (* hierconn *) wire [2:0] \dut.committed_q ;
    (* hierconn *) wire [2:0] \dut.taken_q ;
    (* hierconn *) wire \dut.valid_s1_q ;
    (* hierconn *) wire \dut.valid_s2_q ;
    (* hierconn *) wire [3:0] \dut.word_s2_q ;
    (* hierconn *) wire [3:0] \dut.memory_rdata ;

    wire push = s_valid & s_ready;
    // Pushed and not yet committed, with the word of this clock.
    wire [2:0] provisional = \dut.pushed_q + push - \dut.committed_q ;
    wire live;
    wire [2:0] held, ahead;
    wire [3:0] word;
    order #(.W(4), .N(3)) order(.clock(clock), .forget(reset), .push(push), .pushed(s_data),
        .back(rollback ? provisional : 3'd0),
        .pop(m_valid & m_ready), .popped(m_data), .held(held), .live(live), .ahead(ahead), .word(word));
    stream #(.W(4)) out(.clock(clock), .reset(reset), .valid(m_valid), .ready(m_ready), .data(m_data));

    wire [2:0] stored = \dut.pushed_q - \dut.taken_q ;
    wire [2:0] visible = \dut.committed_q - \dut.taken_q ;
    wire [2:0] staged = \dut.valid_s1_q + \dut.valid_s2_q ;
    progress #(.LIMIT(2)) progress(.clock(clock), .reset(reset), .held((visible != 0) | (staged != 0)), .valid(m_valid));

    // The word that is followed, in the memory.
    wire [1:0] at = \dut.taken_q + ahead - staged;
    (* hierconn *) wire [1:0] \dut.memory.peek_at ;
    assign \dut.memory.peek_at = at;
    (* hierconn *) wire [3:0] \dut.memory.peek ;

`ifdef INVARIANTS
    reg started;
    initial started = 0;
    always @(posedge clock) started <= 1;
    always @(*) if (started) begin
        assert (stored <= 4);
        assert (visible <= stored);
        assert (held == stored + staged);
        assert (fill == visible);
        assert (space == 4 - stored);
        assert (s_ready == (stored != 4));
        if (live) begin
            if (ahead == 0 & \dut.valid_s2_q ) assert (\dut.word_s2_q == word);
            if (ahead == \dut.valid_s2_q & \dut.valid_s1_q ) assert (\dut.memory_rdata == word);
            if (ahead >= staged) assert (\dut.memory.peek == word);
        end
    end
`endif
endmodule
