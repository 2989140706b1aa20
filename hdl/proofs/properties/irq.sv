// The interrupt port keeps to its handshake: irq_valid and irq_vector stay until irq_ready, none is asked for in the clock after
// reset; an event is never forgotten: its vector is pending until an interrupt of it was taken that was asked for after the event.
//
// block: irq
// depth: 10
// induction: 2
// mutant: an event in the clock in which its interrupt is taken is forgotten
// find: .happens(vectors_2_happens),
// replace: .happens(vectors_2_happens & ~vectors_2_taken),
module proof(input clock, input reset, input [3:0] events, input [3:0] enable, input [31:0] moderation, input irq_ready);
    wire [3:0] pending;
    wire irq_valid;
    wire [1:0] irq_vector;
    block dut(.clock(clock), .reset(reset), .events_0(events[0]), .events_1(events[1]), .events_2(events[2]), .events_3(events[3]),
        .enable(enable), .moderation(moderation), .pending(pending), .irq_valid(irq_valid), .irq_vector(irq_vector),
        .irq_ready(irq_ready));
    initial assume (reset);
    stream #(.W(2)) out(.clock(clock), .reset(reset), .valid(irq_valid), .ready(irq_ready), .data(irq_vector));
    wire [3:0] taken = (irq_valid & irq_ready) ? 4'b0001 << irq_vector : 0;
    reg [3:0] owed;
    reg started;
    initial started = 0;
    initial owed = 0;
    always @(posedge clock) begin
        started <= 1;
        owed <= reset ? 0 : (owed & ~taken) | events;
    end
    always @(*) if (started) begin
        nothing_is_forgotten: assert (pending == owed);
        nothing_is_made_up: assert (~irq_valid | owed[irq_vector]);
    end
endmodule
