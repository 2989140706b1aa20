// Turns among three are fair: who wants one waits for at most one of each other; no turn is given to one who does not want it, and
// none is lost while somebody wants one.
//
// block: turn
// depth: 12
// induction: 2
// mutant: behind the last one the first comes before the second
// find: (last == one)) && (!(wants_2))) && (wants_0)
// replace: (last == one))) && (wants_0)
module proof(input clock, input [2:0] wants, input go);
    wire [1:0] choice;
    wire found;
    reg [1:0] last;
    block dut(.last(last), .wants_0(wants[0]), .wants_1(wants[1]), .wants_2(wants[2]), .choice(choice), .found(found));
    initial assume (last < 3);
    always @(posedge clock) if (go & found) last <= choice;

    // One of the three waits; who is not served goes on wanting.
    (* anyconst *) wire [1:0] who;
    always @(*) assume (who < 3);
    wire [2:0] served = (go & found) ? 3'b001 << choice : 3'b000;
    reg waited;
    reg [2:0] seen;
    initial waited = 0;
    initial seen = 0;
    always @(posedge clock) begin
        waited <= wants[who] & ~served[who];
        seen <= (wants[who] & ~served[who]) ? seen | served : 0;
    end
    always @(*) begin
        assume (~waited | wants[who]);
        each_other_once: assert (~wants[who] | ((seen & served) == 0));
        nobody_else: assert (~found | wants[choice]);
        none_lost: assert (found == (wants != 0));
        one_of_three: assert (choice < 3);
    end
`ifdef INVARIANTS
    // Those served since lie on the way from the one who waits to the last.
    wire [2:0] way = (last + 3 - who) % 3;
    genvar j;
    always @(*) assert (last < 3);
    always @(*) assert (waited | (seen == 0));
    generate for (j = 0; j < 3; j = j + 1) begin : other
        always @(*) if (seen[j]) assert (((j + 3 - who) % 3 <= way) & (j != who) & (last != who));
    end endgenerate
`endif
endmodule
