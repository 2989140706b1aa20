// A FIFO in lookup tables, whose output takes a word in the clock in which it is written, loses no word, repeats none and keeps their order; what
// waits at its output stays as it is.
//
// block: small_fifo
// depth: 16
// induction: 4
// mutant: a word that is written in the clock of its read is not seen
// find: (wen && waddr == raddr) ? wdata : mem[raddr]
// replace: mem[raddr]
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
    (* hierconn *) wire \dut.ready_q ;
    (* hierconn *) wire \dut.stored_q ;
    (* hierconn *) wire \dut.valid_q ;
    (* hierconn *) wire [3:0] \dut.memory_rdata ;
    wire [2:0] stored = \dut.pushed_q - \dut.taken_q ;
    (* hierconn *) wire [1:0] \dut.memory.peek_at ;
    assign \dut.memory.peek_at = \dut.taken_q + ahead - \dut.valid_q ;
    (* hierconn *) wire [3:0] \dut.memory.peek ;
`ifdef INVARIANTS
    reg started;
    initial started = 0;
    always @(posedge clock) started <= 1;
    always @(*) if (started) begin
        assert (stored <= 4);
        assert (held == stored + \dut.valid_q );
        assert (space == 4 - stored);
        assert (\dut.ready_q == (stored != 4));
        assert (\dut.stored_q == (stored != 0));
        if (live) begin
            if (ahead == 0 & \dut.valid_q ) assert (\dut.memory_rdata == word);
            if (ahead >= \dut.valid_q ) assert (\dut.memory.peek == word);
        end
    end
`endif
endmodule
