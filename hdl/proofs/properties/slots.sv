// A slot move never hides an entry: while a flow's slot is written at another of its eight places and then cleared where it was, in
// any clocks and any number of times, with any other writes and any slots with bad parity beside, a lookup in every clock finds its
// entry.
//
// block: slots
// depth: 12
// induction: 2
// cases: 9
// long: 2
// mutant: writes to one of the eight places go nowhere
// find: slots_5_wen = is_slot & (index[(32'h0)+:(3)] == 5);
// replace: slots_5_wen = is_slot & (index[(32'h0)+:(3)] == 4);
module proof(input clock, input hash_valid, input [47:0] hash, input write_valid, input [1:0] target, input [31:0] index,
             input [40:0] row);
    wire matched;
    wire [2:0] entry;
    block dut(.clock(clock), .hash_valid(hash_valid), .hash(hash), .write_valid(write_valid),
        .write({663'b0, row, index, target}), .matched(matched), .entry(entry));

    // The flow: any tag, any buckets, any entry.
    (* anyconst *) wire [15:0] tag;
    (* anyconst *) wire [1:0] bucket0;
    (* anyconst *) wire [2:0] stored;
    wire [1:0] bucket1 = bucket0 ^ tag[1:0];

    // A stored slot is tag, valid, entry, and two bits that make the ones at even and at odd places even.
    function good(input [21:0] slot);
        good = ~(^(slot & 22'h155555)) & ~(^(slot & 22'h2aaaaa));
    endfunction

    // A write to one of its places, and whether the slot written names it.
    wire names = row[40] & (row[15:0] == tag);
    wire [7:0] touched;
    genvar i;
    generate for (i = 0; i < 8; i = i + 1) begin : place
        assign touched[i] = write_valid & (target == 0) & (index[2:0] == i) & (index[4:3] == (i < 4 ? bucket0 : bucket1));
    end endgenerate
    // The places that name it and are good.
    reg [7:0] holds;
    wire [7:0] holds_next = (holds & ~touched) | (names ? touched : 8'd0);
    always @(posedge clock) holds <= holds_next;
    // What the driver keeps to: a table has no more buckets than it has; a tag in one of the places means this flow, because a key
    // whose tag is there already is refused; the slot is cleared only where another names the flow.
    initial assume (holds != 0);
    always @(*) begin
        assume (index < 32);
        assume ((touched == 0) | ~names | ({row[39], row[17:16]} == stored));
        assume (holds_next != 0);
    end

    // Three clocks from hash to match; the places that name the flow in the clock of the hash go with it.
    wire looks = hash_valid & (hash[17:0] == {bucket0, tag});
    reg [2:0] looked;
    reg [7:0] held_s1;
    reg [7:0] held_s2;
    reg [7:0] held_s3;
    initial looked = 0;
    always @(posedge clock) begin
        looked <= {looked[1:0], looks};
        held_s1 <= holds_next;
        held_s2 <= held_s1;
        held_s3 <= held_s2;
    end
    // The proof is in cases, because a solver does not get through all at once: that each of the eight places that names the flow
    // matches three clocks later, with the flow's entry, and then, on that, that one match of any is a match. A mutant has none.
`ifdef CASE
    localparam CASE = `CASE;
    localparam LAST = CASE == 8;
`else
    localparam CASE = -1;
    localparam LAST = 1;
`endif
    always @(*) if (LAST) begin
        never_hidden: assert (~looked[2] | matched);
        and_is_its_entry: assert (~looked[2] | (entry == stored));
    end

    // What the memories hold at the flow's buckets at first is what `holds` says; what is bad there is as if it were not there. A write
    // has good parity, because the block makes it.
    wire [175:0] slots;
    generate for (i = 0; i < 8; i = i + 1) begin : first
        wire [21:0] slot = slots[22*i +: 22];
        wire is_it = slot[16] & (slot[15:0] == tag) & good(slot);
        if (CASE == -1 || CASE == i) begin
            initial assume (is_it == holds[i]);
            initial assume (~is_it | (slot[19:17] == stored));
        end
    end endgenerate
    (* hierconn *) wire [1:0] \dut.slots_0.rows.memory.peek_at ;
    (* hierconn *) wire [21:0] \dut.slots_0.rows.memory.peek ;
    assign \dut.slots_0.rows.memory.peek_at = bucket0;
    assign slots[0 +: 22] = \dut.slots_0.rows.memory.peek ;
    (* hierconn *) wire [1:0] \dut.slots_1.rows.memory.peek_at ;
    (* hierconn *) wire [21:0] \dut.slots_1.rows.memory.peek ;
    assign \dut.slots_1.rows.memory.peek_at = bucket0;
    assign slots[22 +: 22] = \dut.slots_1.rows.memory.peek ;
    (* hierconn *) wire [1:0] \dut.slots_2.rows.memory.peek_at ;
    (* hierconn *) wire [21:0] \dut.slots_2.rows.memory.peek ;
    assign \dut.slots_2.rows.memory.peek_at = bucket0;
    assign slots[44 +: 22] = \dut.slots_2.rows.memory.peek ;
    (* hierconn *) wire [1:0] \dut.slots_3.rows.memory.peek_at ;
    (* hierconn *) wire [21:0] \dut.slots_3.rows.memory.peek ;
    assign \dut.slots_3.rows.memory.peek_at = bucket0;
    assign slots[66 +: 22] = \dut.slots_3.rows.memory.peek ;
    (* hierconn *) wire [1:0] \dut.slots_4.rows.memory.peek_at ;
    (* hierconn *) wire [21:0] \dut.slots_4.rows.memory.peek ;
    assign \dut.slots_4.rows.memory.peek_at = bucket1;
    assign slots[88 +: 22] = \dut.slots_4.rows.memory.peek ;
    (* hierconn *) wire [1:0] \dut.slots_5.rows.memory.peek_at ;
    (* hierconn *) wire [21:0] \dut.slots_5.rows.memory.peek ;
    assign \dut.slots_5.rows.memory.peek_at = bucket1;
    assign slots[110 +: 22] = \dut.slots_5.rows.memory.peek ;
    (* hierconn *) wire [1:0] \dut.slots_6.rows.memory.peek_at ;
    (* hierconn *) wire [21:0] \dut.slots_6.rows.memory.peek ;
    assign \dut.slots_6.rows.memory.peek_at = bucket1;
    assign slots[132 +: 22] = \dut.slots_6.rows.memory.peek ;
    (* hierconn *) wire [1:0] \dut.slots_7.rows.memory.peek_at ;
    (* hierconn *) wire [21:0] \dut.slots_7.rows.memory.peek ;
    assign \dut.slots_7.rows.memory.peek_at = bucket1;
    assign slots[154 +: 22] = \dut.slots_7.rows.memory.peek ;
`ifdef INVARIANTS
    // Where a lookup is after each clock: in the memory's register or, when its place was written as it was read, beside it.
    (* hierconn *) wire [15:0] \dut.tag_s1_q ;
    (* hierconn *) wire [15:0] \dut.tag_s2_q ;
    wire [7:0] fresh, collided_s1, collided_s2, checked_s1, checked_s2, matched_s3, bad_s3;
    wire [175:0] word_s1, written_s1, word_s2, written_s2;
    wire [23:0] entry_s3;
    always @(*) assert (~looked[0] | (\dut.tag_s1_q == tag));
    always @(*) assert (~looked[1] | (\dut.tag_s2_q == tag));
    always @(*) if (LAST) assert (holds != 0);
    always @(*) if (LAST) assert ((~looked[0] | (held_s1 != 0)) & (~looked[1] | (held_s2 != 0)) & (~looked[2] | (held_s3 != 0)));
    generate for (i = 0; i < 8; i = i + 1) begin : stages
        wire [21:0] s0 = slots[22*i +: 22];
        wire [21:0] s1 = collided_s1[i] ? written_s1[22*i +: 22] : word_s1[22*i +: 22];
        wire [21:0] s2 = collided_s2[i] ? written_s2[22*i +: 22] : word_s2[22*i +: 22];
        wire is_s0 = s0[16] & (s0[15:0] == tag) & good(s0);
        wire is_s1 = s1[16] & (s1[15:0] == tag) & good(s1);
        wire is_s2 = s2[16] & (s2[15:0] == tag) & good(s2);
        wire as_held = ((matched_s3[i] & ~bad_s3[i]) == held_s3[i]) & (~held_s3[i] | (entry_s3[3*i +: 3] == stored));
        if (LAST) always @(*) assume (~looked[2] | as_held);
        else if (i == CASE) always @(*) begin
            assert (is_s0 == holds[i]);
            assert (~is_s0 | (s0[19:17] == stored));
            if (looked[0]) assert (fresh[i] & checked_s1[i] & (is_s1 == held_s1[i]) & (~is_s1 | (s1[19:17] == stored)));
            if (looked[1]) assert (checked_s2[i] & (is_s2 == held_s2[i]) & (~is_s2 | (s2[19:17] == stored)));
            if (looked[2]) assert (as_held);
        end
    end endgenerate
    (* hierconn *) wire \dut.slots_0.rows.memory.fresh ;
    assign fresh[0] = \dut.slots_0.rows.memory.fresh ;
    (* hierconn *) wire [21:0] \dut.slots_0.rows.memory.word ;
    assign word_s1[0 +: 22] = \dut.slots_0.rows.memory.word ;
    (* hierconn *) wire [21:0] \dut.slots_0.rows.memory_rdata ;
    assign word_s2[0 +: 22] = \dut.slots_0.rows.memory_rdata ;
    (* hierconn *) wire \dut.slots_0.rows.collided_s1_q ;
    assign collided_s1[0] = \dut.slots_0.rows.collided_s1_q ;
    (* hierconn *) wire \dut.slots_0.rows.collided_s2_q ;
    assign collided_s2[0] = \dut.slots_0.rows.collided_s2_q ;
    (* hierconn *) wire [21:0] \dut.slots_0.rows.written_s1_q ;
    assign written_s1[0 +: 22] = \dut.slots_0.rows.written_s1_q ;
    (* hierconn *) wire [21:0] \dut.slots_0.rows.written_s2_q ;
    assign written_s2[0 +: 22] = \dut.slots_0.rows.written_s2_q ;
    (* hierconn *) wire \dut.slots_0.ren_s1_q ;
    assign checked_s1[0] = \dut.slots_0.ren_s1_q ;
    (* hierconn *) wire \dut.slots_0.ren_s2_q ;
    assign checked_s2[0] = \dut.slots_0.ren_s2_q ;
    (* hierconn *) wire \dut.slots_0_bad ;
    assign bad_s3[0] = \dut.slots_0_bad ;
    (* hierconn *) wire \dut.matched_s3_0_q ;
    assign matched_s3[0] = \dut.matched_s3_0_q ;
    (* hierconn *) wire [2:0] \dut.entry_s3_0_q ;
    assign entry_s3[0 +: 3] = \dut.entry_s3_0_q ;
    (* hierconn *) wire \dut.slots_1.rows.memory.fresh ;
    assign fresh[1] = \dut.slots_1.rows.memory.fresh ;
    (* hierconn *) wire [21:0] \dut.slots_1.rows.memory.word ;
    assign word_s1[22 +: 22] = \dut.slots_1.rows.memory.word ;
    (* hierconn *) wire [21:0] \dut.slots_1.rows.memory_rdata ;
    assign word_s2[22 +: 22] = \dut.slots_1.rows.memory_rdata ;
    (* hierconn *) wire \dut.slots_1.rows.collided_s1_q ;
    assign collided_s1[1] = \dut.slots_1.rows.collided_s1_q ;
    (* hierconn *) wire \dut.slots_1.rows.collided_s2_q ;
    assign collided_s2[1] = \dut.slots_1.rows.collided_s2_q ;
    (* hierconn *) wire [21:0] \dut.slots_1.rows.written_s1_q ;
    assign written_s1[22 +: 22] = \dut.slots_1.rows.written_s1_q ;
    (* hierconn *) wire [21:0] \dut.slots_1.rows.written_s2_q ;
    assign written_s2[22 +: 22] = \dut.slots_1.rows.written_s2_q ;
    (* hierconn *) wire \dut.slots_1.ren_s1_q ;
    assign checked_s1[1] = \dut.slots_1.ren_s1_q ;
    (* hierconn *) wire \dut.slots_1.ren_s2_q ;
    assign checked_s2[1] = \dut.slots_1.ren_s2_q ;
    (* hierconn *) wire \dut.slots_1_bad ;
    assign bad_s3[1] = \dut.slots_1_bad ;
    (* hierconn *) wire \dut.matched_s3_1_q ;
    assign matched_s3[1] = \dut.matched_s3_1_q ;
    (* hierconn *) wire [2:0] \dut.entry_s3_1_q ;
    assign entry_s3[3 +: 3] = \dut.entry_s3_1_q ;
    (* hierconn *) wire \dut.slots_2.rows.memory.fresh ;
    assign fresh[2] = \dut.slots_2.rows.memory.fresh ;
    (* hierconn *) wire [21:0] \dut.slots_2.rows.memory.word ;
    assign word_s1[44 +: 22] = \dut.slots_2.rows.memory.word ;
    (* hierconn *) wire [21:0] \dut.slots_2.rows.memory_rdata ;
    assign word_s2[44 +: 22] = \dut.slots_2.rows.memory_rdata ;
    (* hierconn *) wire \dut.slots_2.rows.collided_s1_q ;
    assign collided_s1[2] = \dut.slots_2.rows.collided_s1_q ;
    (* hierconn *) wire \dut.slots_2.rows.collided_s2_q ;
    assign collided_s2[2] = \dut.slots_2.rows.collided_s2_q ;
    (* hierconn *) wire [21:0] \dut.slots_2.rows.written_s1_q ;
    assign written_s1[44 +: 22] = \dut.slots_2.rows.written_s1_q ;
    (* hierconn *) wire [21:0] \dut.slots_2.rows.written_s2_q ;
    assign written_s2[44 +: 22] = \dut.slots_2.rows.written_s2_q ;
    (* hierconn *) wire \dut.slots_2.ren_s1_q ;
    assign checked_s1[2] = \dut.slots_2.ren_s1_q ;
    (* hierconn *) wire \dut.slots_2.ren_s2_q ;
    assign checked_s2[2] = \dut.slots_2.ren_s2_q ;
    (* hierconn *) wire \dut.slots_2_bad ;
    assign bad_s3[2] = \dut.slots_2_bad ;
    (* hierconn *) wire \dut.matched_s3_2_q ;
    assign matched_s3[2] = \dut.matched_s3_2_q ;
    (* hierconn *) wire [2:0] \dut.entry_s3_2_q ;
    assign entry_s3[6 +: 3] = \dut.entry_s3_2_q ;
    (* hierconn *) wire \dut.slots_3.rows.memory.fresh ;
    assign fresh[3] = \dut.slots_3.rows.memory.fresh ;
    (* hierconn *) wire [21:0] \dut.slots_3.rows.memory.word ;
    assign word_s1[66 +: 22] = \dut.slots_3.rows.memory.word ;
    (* hierconn *) wire [21:0] \dut.slots_3.rows.memory_rdata ;
    assign word_s2[66 +: 22] = \dut.slots_3.rows.memory_rdata ;
    (* hierconn *) wire \dut.slots_3.rows.collided_s1_q ;
    assign collided_s1[3] = \dut.slots_3.rows.collided_s1_q ;
    (* hierconn *) wire \dut.slots_3.rows.collided_s2_q ;
    assign collided_s2[3] = \dut.slots_3.rows.collided_s2_q ;
    (* hierconn *) wire [21:0] \dut.slots_3.rows.written_s1_q ;
    assign written_s1[66 +: 22] = \dut.slots_3.rows.written_s1_q ;
    (* hierconn *) wire [21:0] \dut.slots_3.rows.written_s2_q ;
    assign written_s2[66 +: 22] = \dut.slots_3.rows.written_s2_q ;
    (* hierconn *) wire \dut.slots_3.ren_s1_q ;
    assign checked_s1[3] = \dut.slots_3.ren_s1_q ;
    (* hierconn *) wire \dut.slots_3.ren_s2_q ;
    assign checked_s2[3] = \dut.slots_3.ren_s2_q ;
    (* hierconn *) wire \dut.slots_3_bad ;
    assign bad_s3[3] = \dut.slots_3_bad ;
    (* hierconn *) wire \dut.matched_s3_3_q ;
    assign matched_s3[3] = \dut.matched_s3_3_q ;
    (* hierconn *) wire [2:0] \dut.entry_s3_3_q ;
    assign entry_s3[9 +: 3] = \dut.entry_s3_3_q ;
    (* hierconn *) wire \dut.slots_4.rows.memory.fresh ;
    assign fresh[4] = \dut.slots_4.rows.memory.fresh ;
    (* hierconn *) wire [21:0] \dut.slots_4.rows.memory.word ;
    assign word_s1[88 +: 22] = \dut.slots_4.rows.memory.word ;
    (* hierconn *) wire [21:0] \dut.slots_4.rows.memory_rdata ;
    assign word_s2[88 +: 22] = \dut.slots_4.rows.memory_rdata ;
    (* hierconn *) wire \dut.slots_4.rows.collided_s1_q ;
    assign collided_s1[4] = \dut.slots_4.rows.collided_s1_q ;
    (* hierconn *) wire \dut.slots_4.rows.collided_s2_q ;
    assign collided_s2[4] = \dut.slots_4.rows.collided_s2_q ;
    (* hierconn *) wire [21:0] \dut.slots_4.rows.written_s1_q ;
    assign written_s1[88 +: 22] = \dut.slots_4.rows.written_s1_q ;
    (* hierconn *) wire [21:0] \dut.slots_4.rows.written_s2_q ;
    assign written_s2[88 +: 22] = \dut.slots_4.rows.written_s2_q ;
    (* hierconn *) wire \dut.slots_4.ren_s1_q ;
    assign checked_s1[4] = \dut.slots_4.ren_s1_q ;
    (* hierconn *) wire \dut.slots_4.ren_s2_q ;
    assign checked_s2[4] = \dut.slots_4.ren_s2_q ;
    (* hierconn *) wire \dut.slots_4_bad ;
    assign bad_s3[4] = \dut.slots_4_bad ;
    (* hierconn *) wire \dut.matched_s3_4_q ;
    assign matched_s3[4] = \dut.matched_s3_4_q ;
    (* hierconn *) wire [2:0] \dut.entry_s3_4_q ;
    assign entry_s3[12 +: 3] = \dut.entry_s3_4_q ;
    (* hierconn *) wire \dut.slots_5.rows.memory.fresh ;
    assign fresh[5] = \dut.slots_5.rows.memory.fresh ;
    (* hierconn *) wire [21:0] \dut.slots_5.rows.memory.word ;
    assign word_s1[110 +: 22] = \dut.slots_5.rows.memory.word ;
    (* hierconn *) wire [21:0] \dut.slots_5.rows.memory_rdata ;
    assign word_s2[110 +: 22] = \dut.slots_5.rows.memory_rdata ;
    (* hierconn *) wire \dut.slots_5.rows.collided_s1_q ;
    assign collided_s1[5] = \dut.slots_5.rows.collided_s1_q ;
    (* hierconn *) wire \dut.slots_5.rows.collided_s2_q ;
    assign collided_s2[5] = \dut.slots_5.rows.collided_s2_q ;
    (* hierconn *) wire [21:0] \dut.slots_5.rows.written_s1_q ;
    assign written_s1[110 +: 22] = \dut.slots_5.rows.written_s1_q ;
    (* hierconn *) wire [21:0] \dut.slots_5.rows.written_s2_q ;
    assign written_s2[110 +: 22] = \dut.slots_5.rows.written_s2_q ;
    (* hierconn *) wire \dut.slots_5.ren_s1_q ;
    assign checked_s1[5] = \dut.slots_5.ren_s1_q ;
    (* hierconn *) wire \dut.slots_5.ren_s2_q ;
    assign checked_s2[5] = \dut.slots_5.ren_s2_q ;
    (* hierconn *) wire \dut.slots_5_bad ;
    assign bad_s3[5] = \dut.slots_5_bad ;
    (* hierconn *) wire \dut.matched_s3_5_q ;
    assign matched_s3[5] = \dut.matched_s3_5_q ;
    (* hierconn *) wire [2:0] \dut.entry_s3_5_q ;
    assign entry_s3[15 +: 3] = \dut.entry_s3_5_q ;
    (* hierconn *) wire \dut.slots_6.rows.memory.fresh ;
    assign fresh[6] = \dut.slots_6.rows.memory.fresh ;
    (* hierconn *) wire [21:0] \dut.slots_6.rows.memory.word ;
    assign word_s1[132 +: 22] = \dut.slots_6.rows.memory.word ;
    (* hierconn *) wire [21:0] \dut.slots_6.rows.memory_rdata ;
    assign word_s2[132 +: 22] = \dut.slots_6.rows.memory_rdata ;
    (* hierconn *) wire \dut.slots_6.rows.collided_s1_q ;
    assign collided_s1[6] = \dut.slots_6.rows.collided_s1_q ;
    (* hierconn *) wire \dut.slots_6.rows.collided_s2_q ;
    assign collided_s2[6] = \dut.slots_6.rows.collided_s2_q ;
    (* hierconn *) wire [21:0] \dut.slots_6.rows.written_s1_q ;
    assign written_s1[132 +: 22] = \dut.slots_6.rows.written_s1_q ;
    (* hierconn *) wire [21:0] \dut.slots_6.rows.written_s2_q ;
    assign written_s2[132 +: 22] = \dut.slots_6.rows.written_s2_q ;
    (* hierconn *) wire \dut.slots_6.ren_s1_q ;
    assign checked_s1[6] = \dut.slots_6.ren_s1_q ;
    (* hierconn *) wire \dut.slots_6.ren_s2_q ;
    assign checked_s2[6] = \dut.slots_6.ren_s2_q ;
    (* hierconn *) wire \dut.slots_6_bad ;
    assign bad_s3[6] = \dut.slots_6_bad ;
    (* hierconn *) wire \dut.matched_s3_6_q ;
    assign matched_s3[6] = \dut.matched_s3_6_q ;
    (* hierconn *) wire [2:0] \dut.entry_s3_6_q ;
    assign entry_s3[18 +: 3] = \dut.entry_s3_6_q ;
    (* hierconn *) wire \dut.slots_7.rows.memory.fresh ;
    assign fresh[7] = \dut.slots_7.rows.memory.fresh ;
    (* hierconn *) wire [21:0] \dut.slots_7.rows.memory.word ;
    assign word_s1[154 +: 22] = \dut.slots_7.rows.memory.word ;
    (* hierconn *) wire [21:0] \dut.slots_7.rows.memory_rdata ;
    assign word_s2[154 +: 22] = \dut.slots_7.rows.memory_rdata ;
    (* hierconn *) wire \dut.slots_7.rows.collided_s1_q ;
    assign collided_s1[7] = \dut.slots_7.rows.collided_s1_q ;
    (* hierconn *) wire \dut.slots_7.rows.collided_s2_q ;
    assign collided_s2[7] = \dut.slots_7.rows.collided_s2_q ;
    (* hierconn *) wire [21:0] \dut.slots_7.rows.written_s1_q ;
    assign written_s1[154 +: 22] = \dut.slots_7.rows.written_s1_q ;
    (* hierconn *) wire [21:0] \dut.slots_7.rows.written_s2_q ;
    assign written_s2[154 +: 22] = \dut.slots_7.rows.written_s2_q ;
    (* hierconn *) wire \dut.slots_7.ren_s1_q ;
    assign checked_s1[7] = \dut.slots_7.ren_s1_q ;
    (* hierconn *) wire \dut.slots_7.ren_s2_q ;
    assign checked_s2[7] = \dut.slots_7.ren_s2_q ;
    (* hierconn *) wire \dut.slots_7_bad ;
    assign bad_s3[7] = \dut.slots_7_bad ;
    (* hierconn *) wire \dut.matched_s3_7_q ;
    assign matched_s3[7] = \dut.matched_s3_7_q ;
    (* hierconn *) wire [2:0] \dut.entry_s3_7_q ;
    assign entry_s3[21 +: 3] = \dut.entry_s3_7_q ;
`endif
endmodule
