import CPUEngine
import NeuralNetworks
import NeuralNetworksTesting
import TensorEngine
import Testing

@Suite("Schedules")
struct ScheduleTests {
    private func time(_ epoch: Int, of epochs: Int) -> TrainingTime {
        TrainingTime(stage: 2, epoch: epoch, epochs: epochs, step: 977, stepOfEpoch: 3, stepsPerEpoch: 5)
    }

    @Test func cosine() {
        let schedule = CosineSchedule(minimum: 0.001)
        func rate(_ epoch: Int) -> Double { schedule.rate(from: 0.025, at: time(epoch, of: 50)) }
        #expect(rate(0) == 0.025)
        #expect(abs(rate(25) - 0.013) < 1e-15)
        #expect(rate(49) > 0.001 && rate(49) < 0.00103)
        // cos 60° = ½.
        let thirds = (0...3).map { CosineSchedule().rate(from: 4, at: time($0, of: 3)) }
        #expect(zip(thirds, [4, 3, 1, 0]).allSatisfy { abs($0 - $1) < 1e-15 }, "\(thirds)")
    }

    @Test("From one multiple to another, step by step, over a stage or some of its epochs")
    func linear() {
        // Epoch e and 3 of 5 steps.
        func rates(_ schedule: LinearSchedule) -> [Double] {
            (0..<4).map { schedule.rate(from: 2, at: time($0, of: 4)) }
        }
        func near(_ found: [Double], _ expected: [Double]) -> Bool {
            zip(found, expected).allSatisfy { abs($0 - $1) < 1e-15 }
        }
        #expect(near(rates(LinearSchedule()), [1.7, 1.2, 0.7, 0.2]))
        #expect(near(rates(LinearSchedule(start: 0, end: 1, epochs: 2)), [0.6, 1.6, 2, 2]))
        #expect(near(rates(LinearSchedule(start: 0.5, end: 0.5)), [1, 1, 1, 1]))
    }

    @Test("A cosine is stepped once an epoch of its stage")
    func cosineTime() {
        let schedule = CosineSchedule()
        let other = TrainingTime(stage: 0, epoch: 1, epochs: 3, step: 4, stepOfEpoch: 4, stepsPerEpoch: 9)
        #expect(schedule.rate(from: 1, at: other) == schedule.rate(from: 1, at: time(1, of: 3)))
    }

    @Test("A cosine decays: a minimum above the rate is an error that names both")
    func minimum() throws {
        let error = #expect(throws: ScheduleError.self) {
            try CosineSchedule(minimum: 5).validate(from: 0.025)
        }
        let text = try #require(error).description
        #expect(text.contains("0.025") && text.contains("5.0") && text.contains("at most"), "\(text)")
        #expect(throws: Never.self) { try CosineSchedule(minimum: 0.025).validate(from: 0.025) }
        #expect(throws: Never.self) { try ConstantSchedule().validate(from: 0.025) }
    }

    @Test func constant() {
        let rates = [0, 7, 49].map { ConstantSchedule().rate(from: 0.3, at: time($0, of: 50)) }
        #expect(rates == [0.3, 0.3, 0.3])
    }
}

@Suite("Descent")
struct DescentTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 1) }

    private func vector(_ x: [Double]) throws -> Tensor { try backend.tensor(x, [x.count]) }

    @Test("A step takes its rate from the schedule, its clipping and what is remembered from where they are")
    func step() throws {
        let time = TrainingTime(epoch: 1, epochs: 2)
        let descent = Descent(
            rate: 2, SGD(momentum: 0.5), schedule: CosineSchedule(minimum: 1), clip: 5)
        #expect(descent.rate(at: time) == 1.5 && Descent(rate: 2, SGD()).rate(at: time) == 2)
        let state = OptimizerState(slots: [[try vector([2, 2])]], count: 4)
        let step = descent.step(state, at: time)
        let (found, after, norm) = try step([vector([1, 1])], gradients: [vector([6, 8])])
        // v = ½·[2, 2] + [3, 4].
        #expect(zip(try found[0].doubles(), [-5, -6.5]).allSatisfy { abs($0 - $1) < 1e-5 })
        #expect(try after.count == 5 && abs(after.slots[0][0].doubles()[0] - 4) < 1e-5)
        #expect(try norm?.item() == 10)
        let free = try step.unclipped([vector([1, 1])], gradients: [vector([6, 8])])
        #expect(try free.parameters[0].doubles() == [-9.5, -12.5])
        #expect(free.norm == nil)
    }

    @Test("Each parameter has slots of its own", arguments: ["adam", "rmsprop", "sgd"])
    func slots(_ name: String) throws {
        let optimizer: any Optimizer = [
            "adam": Adam(), "rmsprop": RMSprop(), "sgd": SGD(momentum: 0.9),
        ][name]!
        func steps(_ x: [[Double]], _ gradients: [[[Double]]]) throws -> [[Double]] {
            var x = try x.map(vector)
            var state = OptimizerState()
            for gradient in gradients {
                (x, state) = try optimizer.step(
                    x, gradients: gradient.map(vector), state: state, rate: 0.1)
            }
            return try x.map { try $0.doubles() }
        }
        let together = try steps([[1, 2], [3]], [[[0.5, -1], [2]], [[1, 1], [-0.25]]])
        let one = try steps([[1, 2]], [[[0.5, -1]], [[1, 1]]])
        let other = try steps([[3]], [[[2]], [[-0.25]]])
        #expect(together == one + other)
    }

    // MARK: Clipping

    @Test("Clipping never scales gradients up, and leaves what is short enough as it is, to the last bit")
    func neverUp() throws {
        for scale in [1e-3, 0.1, 0.99] {
            let x = [try vector([0.6 * scale, 0]), try vector([0.8 * scale])]
            let (found, norm) = try clipped(x, norm: 1)
            #expect(try found.flatMap { try $0.doubles() } == x.flatMap { try $0.doubles() })
            #expect(abs(try norm.item() - scale) < 1e-15)
        }
        let (zero, norm) = try clipped([vector([0, 0])], norm: 1)
        #expect(try zero[0].doubles() == [0, 0] && norm.item() == 0)
    }

    @Test("Gradients are clipped together, to the limit and in their direction")
    func together() throws {
        let (found, norm) = try clipped([vector([30, 0]), vector([40])], norm: 5)
        #expect(try norm.item() == 50)
        let flat = try found.flatMap { try $0.doubles() }
        #expect(zip(flat, [3, 0, 4]).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(flat.reduce(0) { $0 + $1 * $1 }.squareRoot() <= 5)
    }

    @Test("The factor that clips is differentiated, or held")
    func factor() throws {
        let x = try vector([3, 4]).variable
        func slope(holding: Bool) throws -> [Double] {
            let y = try clipped([x], norm: 1, holdingFactor: holding).gradients[0]
            return try gradients(
                of: [y], withRespectTo: [x], cotangents: [vector([1, 0])])[0].doubles()
        }
        // ∂(x/‖x‖)/∂x = (I − xxᵀ/‖x‖²)/‖x‖.
        #expect(zip(try slope(holding: false), [0.128, -0.096]).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(zip(try slope(holding: true), [0.2, 0]).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test("Nothing cannot be clipped")
    func nothing() {
        #expect(throws: TensorError.self) { try clipped([], norm: 1) }
    }

    @Test("The root that is flat at 0 is the root elsewhere, with its derivatives")
    func flatRoot() throws {
        let x = try vector([0, 4]).variable
        let root = try x.squareRootFlatAtZero()
        #expect(try root.doubles() == [0, 2])
        let slope = try gradients(of: root.sum(), withRespectTo: [x], createGraph: true)[0]
        #expect(try slope.doubles() == [0, 0.25])
        #expect(try gradients(of: slope.sum(), withRespectTo: [x])[0].doubles() == [0, -1.0 / 32])
    }
}
