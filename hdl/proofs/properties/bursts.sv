// A transfer is cut into bursts none of which crosses 4 KiB, or even 128 bytes: each begins where the one before ended, together they
// are the transfer, the last one is marked; what waits stays as it is.
//
// block: bursts
// depth: 12
// induction: 3
// mutant: what comes in front of the first beat in its block is not taken off the first burst
// find: burst_beats_q <= ends_at - place_q;
// replace: burst_beats_q <= ends_at;
module proof(input clock, input reset, input start, input [63:0] address, input [10:0] last, input m_ready);
    wire busy, m_valid;
    wire [72:0] m_data;
    block dut(.clock(clock), .reset(reset), .start(start), .address(address), .last(last), .busy(busy),
        .m_axis_data(m_data), .m_axis_valid(m_valid), .m_axis_ready(m_ready));
    initial assume (reset);
    always @(*) assume (~start | ~busy);
    stream #(.W(73)) out(.clock(clock), .reset(reset), .valid(m_valid), .ready(m_ready), .data(m_data));

    wire [63:0] at = m_data[63:0];
    wire [7:0] length = m_data[71:64];
    wire closing = m_data[72];
    wire [12:0] in_page = {1'b0, at[11:0]} + {length, 3'b0};
    wire [7:0] in_block = {1'b0, at[6:0]} + {length[3:0], 3'b0};
    // Where the next burst has to begin, and the beats that are left.
    reg [63:0] due;
    reg [11:0] left;
    reg running, started;
    initial running = 0;
    initial started = 0;
    always @(posedge clock) begin
        started <= 1;
        if (m_valid & m_ready) begin
            due <= due + {length + 9'd1, 3'b0};
            left <= left - length - 1;
            if (closing) running <= 0;
        end
        if (start) begin
            due <= {address[63:3], 3'b0};
            left <= last + 12'd1;
            running <= 1;
        end
        if (reset) running <= 0;
    end
    always @(*) if (started & ~reset & m_valid) begin
        within_4k: assert (~in_page[12]);
        within_128: assert ((length < 16) & ~in_block[7]);
        one_after_the_other: assert (running & (at == due));
        no_more_than_there_are: assert (length < left);
        the_last_is_marked: assert (closing == (length + 1 == left));
    end
`ifdef INVARIANTS
    (* hierconn *) wire [56:0] \dut.base_q ;
    (* hierconn *) wire [3:0] \dut.place_q ;
    (* hierconn *) wire [7:0] \dut.block_q ;
    (* hierconn *) wire [7:0] \dut.last_block_q ;
    (* hierconn *) wire [3:0] \dut.last_place_q ;
    (* hierconn *) wire \dut.cutting_q ;
    wire [11:0] shown = m_valid ? length + 1 : 0;
    wire [56:0] high = \dut.base_q + \dut.block_q ;
    // The number of the last beat and of the next one, from the boundary in front of the transfer.
    wire [11:0] last_at = {\dut.last_block_q , \dut.last_place_q };
    wire [11:0] next_at = {\dut.block_q , \dut.place_q };
    always @(*) if (started) begin
        assert (busy == running);
        if (\dut.cutting_q ) assert ((shown < left) & (last_at >= next_at) & (left - shown == last_at - next_at + 1));
        if (\dut.cutting_q ) assert ({high, \dut.place_q , 3'b0} == due + {shown, 3'b0});
        if (m_valid) assert (closing == ~\dut.cutting_q );
    end
`endif
endmodule
