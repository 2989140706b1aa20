// The formula of RFC 1624 that the checksum block computes (checksum_update) gives the checksum computed anew, for any word that
// changed, any new word and any rest of the packet.
//
// block: checksum
// depth: 1
// induction: 1
// long: 3
// mutant: a carry that ends around is not added
// find: ones_fold = sum[15:0] + sum[16];
// replace: ones_fold = sum[15:0];
module proof(input udp, input [15:0] old_word, input [15:0] new_word, input [15:0] rest);
    // Over UDP 0xffff is sent for zero (RFC 768). No header and no pseudo header is all zeros.
    wire [15:0] old_sum = `ADD(old_word, rest);
    wire [15:0] new_sum = `ADD(new_word, rest);
    wire [15:0] change = `ADD(~old_word, new_word);
    wire [15:0] sent = (udp & (old_sum == 16'hffff)) ? 16'hffff : ~old_sum;
    wire [15:0] anew = (udp & (new_sum == 16'hffff)) ? 16'hffff : ~new_sum;
    wire [15:0] brought = `ADD(~sent, change);
    wire [15:0] up_to_date = (udp & (brought == 16'hffff)) ? 16'hffff : ~brought;
    always @(*) assume ((old_sum != 0) & (new_sum != 0));
    always @(*) the_formula_is_the_checksum_anew: assert (up_to_date == anew);
endmodule
