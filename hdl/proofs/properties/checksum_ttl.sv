// The header checksum of IPv4 after a word changed and the TTL was decremented is the checksum computed anew, whatever the words.
//
// In two steps, because a solver does not get through both at once: the block adds the packet's delta and the fixed one of the TTL; adding that is what decrementing
// the TTL does to the sum, whatever protocol and rest of the header.
//
// block: checksum_ttl
// depth: 6
// induction: 5
// mutant: a borrow of the second difference is not taken off again
// find: updated_s4_q <= low_s3 - borrow_s3;
// replace: updated_s4_q <= low_s3;
module proof(input clock, input [15:0] checksum, input [15:0] delta, input [7:0] ttl, input [7:0] protocol, input [15:0] rest);
    localparam [15:0] TTL_DELTA = ~16'h0100;
    wire [15:0] updated;
    block dut(.clock(clock), .checksum(checksum), .delta(delta), .udp(1'b0), .updated(updated));
    wire [15:0] first = `ADD(~checksum, delta);
    wire [15:0] second = `ADD(first, TTL_DELTA);
    reg [3:0] valid;
    reg [63:0] due;
    initial valid = 0;
    always @(posedge clock) begin
        valid <= {valid[2:0], 1'b1};
        due <= {due[47:0], ~second};
    end
    always @(*) the_block_adds_both: assert (~valid[3] | (updated == due[63:48]));

    // A packet whose TTL is zero is not forwarded; no header is all zeros: it has a version.
    wire [7:0] less = ttl - 1;
    wire [15:0] old_word = {ttl, protocol};
    wire [15:0] new_word = {less, protocol};
    wire [15:0] old_sum = `ADD(old_word, rest);
    wire [15:0] new_sum = `ADD(new_word, rest);
    wire [15:0] stepped = `ADD(old_sum, TTL_DELTA);
    always @(*) assume ((ttl != 0) & (rest != 0));
    always @(*) the_ttl_is_one_less: assert (stepped == new_sum);
endmodule
