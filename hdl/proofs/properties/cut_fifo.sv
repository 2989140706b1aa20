// A FIFO whose words go around its memory when it is empty loses no word, repeats none and keeps their order, whichever way a word
// takes; what waits at its output stays as it is.
//
// block: cut_fifo
// depth: 16
// induction: 4
// mutant: a word goes around the memory past those in the stage before the output
// find: to_s2 = ~stored_q & ~valid_s1_q & advance_s2;
// replace: to_s2 = ~stored_q & advance_s2;
module proof(input clock, input reset, input [3:0] s_data, input s_valid, input m_ready);
    wire s_ready, m_valid;
    wire [3:0] m_data;
    wire [2:0] space;
    block dut(.clock(clock), .reset(reset), .s_axis_data(s_data), .s_axis_valid(s_valid), .s_axis_ready(s_ready),
              .space(space), .m_axis_data(m_data), .m_axis_valid(m_valid), .m_axis_ready(m_ready));
    initial assume (reset);

    wire live;
    wire [2:0] held, ahead;
    wire [3:0] word;
    order #(.W(4), .N(3)) order(.clock(clock), .forget(reset), .push(s_valid & s_ready), .pushed(s_data), .back(3'd0),
        .pop(m_valid & m_ready), .popped(m_data), .held(held), .live(live), .ahead(ahead), .word(word));
    stream #(.W(4)) out(.clock(clock), .reset(reset), .valid(m_valid), .ready(m_ready), .data(m_data));
    progress #(.LIMIT(2)) progress(.clock(clock), .reset(reset), .held(held != 0), .valid(m_valid));

    (* hierconn *) wire [2:0] \dut.pushed_q ;
    (* hierconn *) wire [2:0] \dut.taken_q ;
    (* hierconn *) wire [2:0] \dut.free_q ;
    (* hierconn *) wire \dut.ready_q ;
    (* hierconn *) wire \dut.stored_q ;
    (* hierconn *) wire \dut.valid_s1_q ;
    (* hierconn *) wire \dut.valid_s2_q ;
    (* hierconn *) wire \dut.is_around_s1_q ;
    (* hierconn *) wire [3:0] \dut.around_s1_q ;
    (* hierconn *) wire [3:0] \dut.word_s2_q ;
    (* hierconn *) wire [3:0] \dut.memory_rdata ;
    wire [2:0] stored = \dut.pushed_q - \dut.taken_q ;
    wire [2:0] staged = \dut.valid_s1_q + \dut.valid_s2_q ;
    wire [3:0] word_s1 = \dut.is_around_s1_q ? \dut.around_s1_q : \dut.memory_rdata ;
    (* hierconn *) wire [1:0] \dut.memory.peek_at ;
    assign \dut.memory.peek_at = \dut.taken_q + ahead - staged;
    (* hierconn *) wire [3:0] \dut.memory.peek ;
`ifdef INVARIANTS
    reg started;
    initial started = 0;
    always @(posedge clock) started <= 1;
    always @(*) if (started) begin
        assert (stored <= 4);
        assert (held == stored + staged);
        assert (space == 4 - stored);
        assert (\dut.ready_q == (stored != 4));
        assert (\dut.stored_q == (stored != 0));
        if (live) begin
            if (ahead == 0 & \dut.valid_s2_q ) assert (\dut.word_s2_q == word);
            if (ahead == \dut.valid_s2_q & \dut.valid_s1_q ) assert (word_s1 == word);
            if (ahead >= staged) assert (\dut.memory.peek == word);
        end
    end
`endif
endmodule
