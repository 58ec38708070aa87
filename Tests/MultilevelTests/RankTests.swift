import CPUEngine
import Multilevel
import MultilevelTesting
import NeuralNetworks
import TensorEngine
import Testing

/// A problem of LFM-CW's form over a batch of which each rank has a share.
private struct SharedProblem {
    /// Of the images of every player's step, and of the outer objective's.
    static let rows = 24
    static let features = 3
    var isSimultaneous = true
    var accumulation = 2

    /// Row r belongs to rank r mod ranks, and to an equal share's part by its place there.
    private func members(of rank: Int, among ranks: Int, part: Int) -> [Int] {
        (0..<Self.rows).filter { (ranks == 1 || $0 % 2 == rank) && ($0 / 2) % accumulation == part }
    }

    /// Features and labels of a player's part, and to which class of two each belongs.
    private struct Batch {
        let x, y, classes: Tensor

        init(_ label: String, _ rows: [Int], on backend: CPUBackend) throws {
            let stream = RandomStream(seed: 11, label)
            // Twice as many of one class, and other shares of it on each rank.
            let signs = rows.map { $0 % 3 == 0 || $0 == 1 ? 1.0 : -1 }
            x = try backend.tensor(
                rows.flatMap { row in
                    (0..<features).map { stream.normal(at: UInt64(row * features + $0)) }
                }, [rows.count, features])
            y = try backend.tensor(signs, [rows.count, 1])
            classes = try backend.tensor(signs.flatMap { $0 > 0 ? [1.0, 0] : [0, 1] }, [rows.count, 2])
        }

        /// ln(1 + e^(−y·⟨x∘A, w⟩)) of each row, [rows, 1].
        func losses(_ w: Tensor, _ a: Tensor, centre: Tensor? = nil) throws -> Tensor {
            let centred = try centre.map { try x - $0 } ?? x
            return try ((centred * a).matmul(w) * y).negated().softplus()
        }
    }

    func problem(on backend: CPUBackend, _ communicator: any Communicator) throws -> MultilevelProblem {
        let size = communicator.size
        func parts(_ label: String) throws -> [Batch] {
            try (0..<accumulation).map {
                try Batch(label, members(of: communicator.rank, among: size, part: $0), on: backend)
            }
        }
        func start(_ label: String) throws -> [Tensor] {
            [backend.normal([Self.features, 1], .float64, from: RandomStream(seed: 12, label))]
        }
        let training = try parts("training")
        let all = (0..<accumulation).flatMap { members(of: communicator.rank, among: size, part: $0) }
        let validation = try Batch("validation", all, on: backend)
        let builder = LayoutBuilder()
        let mean = builder.root.buffer("mean", [Self.features], .zeros)
        let w1 = Player(
            "w1", parameters: try start("w1"), buffers: [try backend.zeros([Self.features], .float64)],
            descent: DescentStep(SGD(momentum: 0.9, weightDecay: 0.1), rate: 0.5, clip: 0.1),
            accumulation: accumulation, dependencies: [.architecture]
        ) {
            let batch = training[$0.occasion.part]
            let updates = BufferUpdates()
            let context = ForwardContext(
                ModelState(parameters: $0["w1"], buffers: $0.buffers["w1"]!), updates: updates)
            context.update(mean) { try context[mean] * 0.9 + batch.x.mean(axes: [0]) }
            var found = Evaluation(try batch.losses($0["w1"][0], $0.architecture[0]).mean())
            found.updates["w1"] = updates
            return found
        }
        let h = Player(
            "h", parameters: try start("h"), descent: DescentStep(Adam(epsilon: 0.1), rate: 0.2), steps: 2,
            accumulation: accumulation, dependencies: [.architecture, "g"]
        ) {
            let batch = training[$0.occasion.part]
            let scores = try batch.x.matmul($0["h"][0]) - batch.x.matmul($0["g"][0]).tanh()
            return Evaluation(try (scores.squared() + batch.losses($0["h"][0], $0.architecture[0])).mean())
        }
        let g = Player(
            "g", parameters: try start("g"), descent: DescentStep(SGD(), rate: 0.3),
            accumulation: accumulation,
            dependencies: ["h"]
        ) {
            let batch = training[$0.occasion.part]
            return Evaluation(
                try (batch.x.matmul($0["g"][0]).tanh() * batch.x.matmul($0["h"][0])).mean()
                    + $0["g"][0].squared().sum())
        }
        // The mean loss of each class over all ranks' rows: sums and counts meet before the division.
        let weights = Coupling("class_weights", dependencies: [.architecture, "w1"]) {
            let losses = try validation.losses($0["w1"][0], $0.architecture[0])
            let sums = try (losses * validation.classes).sum(axes: [0]).summed(over: communicator)
            return Evaluation(try sums / validation.classes.sum(axes: [0]).summed(over: communicator))
        }
        let w2 = Player(
            "w2", parameters: try start("w2"), descent: DescentStep(SGD(weightDecay: 0.1), rate: 0.5),
            accumulation: accumulation, dependencies: [.architecture, "class_weights", "g"]
        ) {
            let batch = training[$0.occasion.part]
            // Features are centred by all ranks' mean, which g shifts: a sum over ranks within an objective.
            let shifted = try batch.x * $0["g"][0].reshaped(to: [1, Self.features]).tanh()
            let centre = try (shifted.mean(axes: [0]).summed(over: communicator) / Double(size)).squared()
            let weights = try (batch.classes * $0["class_weights"][0]).sum(axes: [1], keepingAxes: true)
            return Evaluation(
                try (weights * batch.losses($0["w2"][0], $0.architecture[0], centre: centre)).mean())
        }
        return MultilevelProblem(
            architecture: [try backend.tensor([0.7, -1.2, 0.4], [1, Self.features])],
            stages: [
                .level(Level([w1], steps: 2)),
                .level(Level([h, g], isSimultaneous: isSimultaneous, steps: 2)),
                .coupling(weights), .level(Level([w2])),
            ],
            outer: Objective([.architecture, "w2"]) {
                Evaluation(try validation.losses($0["w2"][0], $0.architecture[0]).mean())
            }, communicator: communicator)
    }
}

@Suite("Two ranks with a half each find the gradient of the whole")
struct RankTests {
    private struct Found: Sendable, Equatable {
        var players: [ValueID: [Double]] = [:]
        var buffers: [Double] = []
        var values: [Double] = []
        var terms: [String: [Double]] = [:]
        var gradient: [Double] = []
    }

    private func found(
        _ method: any Hypergradient, _ problem: SharedProblem, _ communicator: any Communicator
    ) throws -> Found {
        let built = try problem.problem(on: CPUBackend(threads: 1), communicator)
        let solution = try built.solve()
        let gradient = try method.gradient(of: built, at: solution)
        var found = Found()
        for player in built.levels.flatMap(\.players) {
            found.players[player.id] = try solution.values[player.id][0].doubles()
            found.values.append(try #require(solution.observations[player.id]?.value))
        }
        found.values.append(gradient.value)
        found.buffers = try #require(solution.values.buffers["w1"]?[0]).doubles()
        found.terms = try gradient.terms.mapValues { try $0[0].doubles() }
        found.gradient = try gradient.gradient[0].doubles()
        return found
    }

    private static let methods: [(method: any Hypergradient, tolerance: Double)] = {
        var solver = ConjugateGradientHypergradient()
        (solver.damping, solver.stopping) = (1, StoppingRule(iterations: 4, tolerance: 1e-14))
        var series = NeumannHypergradient()
        (series.damping, series.rate) = (1, 0.2)
        // Differences divide rounding by twice their scale.
        return [
            (FirstOrderHypergradient(), 1e-12), (ExactHypergradient(), 1e-12),
            (FiniteDifferenceHypergradient(), 1e-9), (series, 1e-12), (solver, 1e-12),
        ]
    }()

    @Test("By every method, and all ranks to the same bits", arguments: methods.indices)
    func halves(_ index: Int) throws {
        let (method, tolerance) = Self.methods[index]
        for isSimultaneous in [true, false] {
            let problem = SharedProblem(isSimultaneous: isSimultaneous)
            let whole = try found(method, problem, Alone())
            let ranks = try onRanks(2) { try self.found(method, problem, $0) }
            #expect(ranks[0] == ranks[1])
            for (id, expected) in whole.players {
                #expect(relativeDistance(try #require(ranks[0].players[id]), expected) < 1e-12, "\(id)")
            }
            #expect(relativeDistance(ranks[0].buffers, whole.buffers) < 1e-12)
            #expect(relativeDistance(ranks[0].values, whole.values) < 1e-12)
            #expect(Set(ranks[0].terms.keys) == Set(whole.terms.keys))
            for (path, expected) in whole.terms {
                #expect(expected.contains { abs($0) > 1e-6 } || path == "h", "\(path) is 0")
                #expect(
                    relativeDistance(try #require(ranks[0].terms[path]), expected) < tolerance, "\(path)")
            }
            #expect(relativeDistance(ranks[0].gradient, whole.gradient) < tolerance)
        }
    }

    @Test("The whole's exact gradient is that of its central differences, sums over ranks included")
    func againstDifferences() throws {
        let step = 1e-5
        @Sendable func outer(_ coordinate: Int, _ step: Double, _ communicator: any Communicator) throws
            -> Double
        {
            let backend = try CPUBackend(threads: 1)
            let problem = try SharedProblem().problem(on: backend, communicator)
            var a = try problem.architecture[0].doubles()
            a[coordinate] += step
            let moved = MultilevelProblem(
                architecture: [try backend.tensor(a, [1, a.count])], stages: problem.stages,
                outer: problem.outer, communicator: communicator)
            let value = try problem.outer(moved.solve().values).value
            return try communicator.mean([value])[0].item()
        }
        let differences = try onRanks(2) { communicator in
            try (0..<SharedProblem.features).map {
                try (outer($0, step, communicator) - outer($0, -step, communicator)) / (2 * step)
            }
        }
        let exact = try onRanks(2) { try self.found(ExactHypergradient(), SharedProblem(), $0).gradient }
        #expect(relativeDistance(exact[0], differences[0]) < 1e-8)
    }

    @Test("Each rank's evaluations are occasions of its own")
    func ranks() throws {
        let seen = try onRanks(2) { communicator in
            let witness = Witness()
            let problem = try SharedProblem().problem(on: CPUBackend(threads: 1), communicator)
            _ = try witness.watching(problem).solve()
            return witness.seen.mapValues { Set($0.map(\.occasion)) }
        }
        for (name, occasions) in seen[0] {
            #expect(occasions.allSatisfy { $0.rank == 0 })
            #expect(try #require(seen[1][name]).allSatisfy { $0.rank == 1 })
            #expect(occasions.isDisjoint(with: seen[1][name]!) && occasions.count == seen[1][name]!.count)
        }
    }

    @Test("Ranks agree on a flag that one of them sets")
    func flags() throws {
        let agreed = try onRanks(3) { communicator in
            [try communicator.any(communicator.rank == 1), try communicator.any(false)]
        }
        #expect(agreed == [[true, false], [true, false], [true, false]])
        #expect(Alone().any(true) && !Alone().any(false))
    }

    @Test("A rank that waits for one that has failed is told so")
    func failing() {
        struct Failure: Error {}
        #expect(throws: Failure.self) {
            try onRanks(2) { communicator in
                if communicator.rank == 0 { throw Failure() }
                _ = try communicator.any(true)
            }
        }
    }
}
