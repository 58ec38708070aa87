import CPUEngine
import Multilevel
import NeuralNetworks
import NeuralNetworksTesting
import TensorEngine

/// A three-level problem of LFM-CW's form whose gradients are all linear, so that every derivative of its
/// solution has a closed form:
///
///     w1:  ½w1ᵀP1w1 − w1ᵀB1A                      c = Mw1′ + NA
///     h:   ½hᵀPh h − hᵀ(Dg + BhA)                 g:  ½gᵀPg g + gᵀ(Ch − BgA)
///     w2:  ½w2ᵀP2w2 − w2ᵀ(B2A + Ec + Fg′)         A:  ½‖w2′ − t‖² + w2′ᵀQA + ½‖A‖²
struct QuadraticProblem: Sendable {
    static let size = 3
    var seed: UInt64 = 1
    var isSimultaneous = true
    var steps = Steps()
    /// The steps that a player takes for one of its level; 1 where absent.
    var playerSteps: [String: Int] = [:]
    var accumulation = 1
    var variation = Variation.none
    /// Of a moving average of g, which w2 then reads instead of g.
    var averageDecay: Double?
    var isCouplingDifferentiable = true
    /// Of w1 and w2.
    var weights = Rule.sgd()
    /// Of g and h.
    var game = Rule.sgd()
    var rate = 0.3

    /// Of each level.
    struct Steps: Sendable {
        var w1 = 1
        var game = 1
        var w2 = 1
    }

    enum Rule: Sendable {
        case sgd(momentum: Double = 0, decay: Double = 0, clip: Double? = nil)
        case adam(epsilon: Double, isWarm: Bool)
        case rmsprop(decay: Double, isWarm: Bool)
        case adamW(decay: Double)

        /// What the rule adds to the gradient.
        var weightDecay: Double {
            switch self {
            case .sgd(_, let decay, _), .rmsprop(let decay, _): decay
            case .adam, .adamW: 0
            }
        }
    }

    /// What tells the evaluations of a player's objective apart: each has curvature and force scaled by factors of
    /// its own.
    enum Variation: Sendable {
        /// Nothing: all are the same.
        case none
        /// The occasion.
        case occasion
        /// A buffer that counts them.
        case buffer
    }

    static let players = ["w1", "h", "g", "w2"]
    static let paths = ["direct", "w2", "class_weights", "w1", "g", "h"]

    // MARK: Numbers

    private func normal(_ label: String, _ index: Int) -> Double {
        RandomStream(seed: seed, label).normal(at: UInt64(index))
    }

    func vector(_ label: String) -> [Double] { (0..<Self.size).map { normal(label, $0) } }

    func squares(_ label: String) -> [Double] { vector(label).map { $0 * $0 } }

    func matrix(_ label: String) -> Matrix {
        (0..<Self.size).map { row in
            (0..<Self.size).map { column in 0.5 * normal(label, row * Self.size + column) }
        }
    }

    /// Symmetric, with eigenvalues ≥ 1.
    func positive(_ label: String) -> Matrix {
        let m = matrix(label)
        var result = product(m, transposed(m))
        for index in result.indices { result[index][index] += 1 }
        return result
    }

    /// What one of a player's evaluations, counted from 0, scales.
    private func factors(_ player: String, _ evaluation: Int) -> (curvature: Double, force: Double) {
        guard variation != .none else { return (1, 1) }
        let stream = RandomStream(seed: seed, "\(player) factors").derived(UInt64(evaluation))
        return (0.5 + stream.uniform(at: 0), 0.5 + stream.uniform(at: 1))
    }

    /// How often the problem evaluates a player's objective.
    func evaluations(_ player: String) -> Int {
        let levelSteps = ["w1": steps.w1, "w2": steps.w2][player] ?? steps.game
        return levelSteps * (playerSteps[player] ?? 1) * accumulation
    }

    // MARK: For the engine

    func problem(on backend: CPUBackend) throws -> MultilevelProblem {
        func tensor(_ m: Matrix) throws -> Tensor {
            try backend.tensor(m.flatMap(\.self), [m.count, m[0].count])
        }
        func column(_ x: [Double]) throws -> Tensor { try backend.tensor(x, [x.count, 1]) }
        func level(_ players: [Player], _ steps: Int) -> MultilevelProblem.Stage {
            .level(Level(players, isSimultaneous: isSimultaneous, steps: steps))
        }
        let (b1, m, n) = (try tensor(matrix("B1")), try tensor(matrix("M")), try tensor(matrix("N")))
        let (d, bh) = (try tensor(matrix("D")), try tensor(matrix("Bh")))
        let (c, bg) = (try tensor(matrix("C")), try tensor(matrix("Bg")))
        let (b2, e, f) = (try tensor(matrix("B2")), try tensor(matrix("E")), try tensor(matrix("F")))
        let (t, q) = (try column(vector("t")), try tensor(matrix("Q")))
        let readByW2: ValueID = averageDecay == nil ? "g" : "g average"
        let problem = MultilevelProblem(
            architecture: [try column(vector("A"))],
            stages: [
                level(
                    [
                        try player("w1", weights, [.architecture], "P1", on: backend) {
                            try b1.matmul($0.architecture[0])
                        }
                    ], steps.w1),
                level(
                    [
                        try player("h", game, [.architecture, "g"], "Ph", on: backend) {
                            try d.matmul($0["g"][0]) + bh.matmul($0.architecture[0])
                        },
                        try player("g", game, [.architecture, "h"], "Pg", on: backend) {
                            try bg.matmul($0.architecture[0]) - c.matmul($0["h"][0])
                        },
                    ], steps.game),
                .coupling(
                    Coupling(
                        "class_weights", dependencies: [.architecture, "w1"],
                        isDifferentiable: isCouplingDifferentiable
                    ) { Evaluation(try m.matmul($0["w1"][0]) + n.matmul($0.architecture[0])) }),
                level(
                    [
                        try player(
                            "w2", weights, [.architecture, "class_weights", .value(readByW2)], "P2",
                            on: backend
                        ) {
                            try b2.matmul($0.architecture[0]) + e.matmul($0["class_weights"][0])
                                + f.matmul($0[readByW2][0])
                        }
                    ], steps.w2),
            ],
            outer: Objective([.architecture, "w2"]) {
                let (a, w2) = ($0.architecture[0], $0["w2"][0])
                return Evaluation(
                    try (w2 - t).squared().sum() * 0.5 + (w2 * q.matmul(a)).sum() + a.squared().sum() * 0.5)
            })
        guard let averageDecay else { return problem }
        return problem.averaging(
            "g", as: readByW2, from: [try column(vector("g average"))], decay: averageDecay)
    }

    private func player(
        _ id: ValueID, _ rule: Rule, _ dependencies: [Dependency], _ curvature: String,
        on backend: CPUBackend, _ force: @escaping @Sendable (Values) throws -> Tensor
    ) throws -> Player {
        let p = try backend.tensor(positive(curvature).flatMap(\.self), [Self.size, Self.size])
        let builder = LayoutBuilder()
        let counter = builder.root.buffer("evaluations", [1], .zeros)
        let steps = playerSteps[id.name] ?? 1
        return Player(
            id, parameters: [try backend.tensor(vector(id.name), [Self.size, 1])],
            buffers: variation == .buffer ? [try backend.zeros([1], .float64)] : [],
            descent: try descent(id.name, rule, on: backend), steps: steps, accumulation: accumulation,
            dependencies: dependencies
        ) { values in
            let updates = BufferUpdates()
            var evaluation = 0
            switch variation {
            case .none: break
            case .occasion: evaluation = values.occasion.index(steps: steps, accumulation: accumulation)
            case .buffer:
                let context = ForwardContext(
                    ModelState(parameters: values[id], buffers: values.buffers[id]!), updates: updates)
                evaluation = Int(try context[counter].item())
                context.update(counter) { try context[counter] + 1 }
            }
            let (x, factors) = (values[id][0], factors(id.name, evaluation))
            var found = Evaluation(
                try (x * p.matmul(x)).sum() * (0.5 * factors.curvature)
                    - (x * force(values)).sum() * factors.force)
            if variation == .buffer { found.updates[id] = updates }
            return found
        }
    }

    private func descent(_ player: String, _ rule: Rule, on backend: CPUBackend) throws -> DescentStep {
        func slot(_ x: [Double]) throws -> [Tensor] { [try backend.tensor(x, [Self.size, 1])] }
        func warm(_ isWarm: Bool, _ slots: [[Double]]) throws -> OptimizerState {
            isWarm ? OptimizerState(slots: try slots.map(slot), count: 2) : .init()
        }
        switch rule {
        case .sgd(let momentum, let decay, let clip):
            return DescentStep(
                SGD(momentum: momentum, weightDecay: decay),
                state: try warm(momentum != 0, [vector("\(player) velocity")]), rate: rate, clip: clip)
        case .adam(let epsilon, let isWarm):
            return DescentStep(
                Adam(beta1: 0.5, beta2: 0.9, epsilon: epsilon),
                state: try warm(isWarm, [vector("\(player) first"), squares("\(player) second")]), rate: rate)
        case .rmsprop(let decay, let isWarm):
            return DescentStep(
                RMSprop(alpha: 0.9, epsilon: 0.1, weightDecay: decay),
                state: try warm(isWarm, [squares("\(player) second")]), rate: rate)
        case .adamW(let decay):
            return DescentStep(
                AdamW(Adam(beta1: 0.5, beta2: 0.9, epsilon: 0.1), decay: decay), rate: rate)
        }
    }

    // MARK: In closed form

    /// The hypergradient's term of each path, by forward mode through the steps written out.
    func terms(holdingClip: Bool = false) -> [String: [Double]] {
        Dictionary(
            uniqueKeysWithValues: Self.paths.map {
                ($0, walked(alongChangesOf: $0, holdingClip: holdingClip).outer.slopes)
            })
    }

    /// Where the players arrive.
    func solution() -> [String: [Double]] {
        walked(alongChangesOf: "direct", holdingClip: false).players.mapValues { $0.map(\.value) }
    }

    /// All steps and the outer objective, with derivatives by the occurrence of A that is called `path`.
    private func walked(alongChangesOf path: String, holdingClip: Bool) -> (
        players: [String: [Dual]], outer: Dual
    ) {
        let n = Self.size
        func constant(_ x: [Double]) -> [Dual] { x.map { .constant($0, n) } }
        func sum(_ x: [Dual]) -> Dual { x.reduce(.constant(0, n), +) }
        func a(_ occurrence: String) -> [Dual] {
            vector("A").enumerated().map { index, value in
                var dual = Dual.constant(value, n)
                if occurrence == path { dual.slopes[index] = 1 }
                return dual
            }
        }
        let zero = constant([Double](repeating: 0, count: n))
        var values = Dictionary(uniqueKeysWithValues: Self.players.map { ($0, constant(vector($0))) })
        var slots: [String: [[Dual]]] = [:]
        var counts: [String: Int] = [:]
        var evaluations: [String: Int] = [:]

        func adam(_ player: String, _ gradient: [Dual], epsilon: Double, isWarm: Bool) -> [Dual] {
            let cold =
                isWarm ? [constant(vector("\(player) first")), constant(squares("\(player) second"))] : []
            let old = slots[player] ?? (cold.isEmpty ? [zero, zero] : cold)
            let count = counts[player, default: isWarm ? 2 : 0] + 1
            let first = old[0] * 0.5 + gradient * 0.5
            let second = old[1] * 0.9 + gradient.map { $0 * $0 } * 0.1
            (slots[player], counts[player]) = ([first, second], count)
            func power(_ base: Double) -> Double { (0..<count).reduce(1) { product, _ in product * base } }
            let (m, v) = (first * (1 / (1 - power(0.5))), second * (1 / (1 - power(0.9))))
            return zip(m, v).map { $0 / ($1.squareRoot + epsilon) }
        }
        func step(_ player: String, _ rule: Rule, _ gradient: [Dual]) {
            let before = values[player]!
            switch rule {
            case .sgd(let momentum, let decay, let clip):
                var g = gradient
                if let clip {
                    let norm = sum(g.map { $0 * $0 }).squareRoot
                    var factor = Dual.constant(clip, n) / (norm + 1e-6)
                    if holdingClip { factor = .constant(factor.value, n) }
                    if factor.value < 1 { g = g.map { $0 * factor } }
                }
                g = g + before * decay
                if momentum != 0 {
                    g = (slots[player]?[0] ?? constant(vector("\(player) velocity"))) * momentum + g
                }
                slots[player] = [g]
                values[player] = before - g * rate
            case .adam(let epsilon, let isWarm):
                values[player] = before - adam(player, gradient, epsilon: epsilon, isWarm: isWarm) * rate
            case .rmsprop(let decay, let isWarm):
                let g = gradient + before * decay
                let old = slots[player]?[0] ?? (isWarm ? constant(squares("\(player) second")) : zero)
                let second = old * 0.9 + g.map { $0 * $0 } * 0.1
                slots[player] = [second]
                values[player] = before - zip(g, second).map { $0 / ($1.squareRoot + 0.1) } * rate
            case .adamW(let decay):
                let moved = adam(player, gradient, epsilon: 0.1, isWarm: false)
                values[player] = before * (1 - rate * decay) - moved * rate
            }
        }
        /// All of a player's steps for one of its level.
        func turn(_ player: String, _ rule: Rule, _ curvature: Matrix, _ force: [Dual]) {
            for _ in 0..<(playerSteps[player] ?? 1) {
                let parts = (0..<accumulation).map { factors(player, evaluations[player, default: 0] + $0) }
                evaluations[player, default: 0] += accumulation
                let scale = 1 / Double(accumulation)
                step(
                    player, rule,
                    curvature * values[player]! * (parts.map(\.curvature).reduce(0, +) * scale)
                        - force * (parts.map(\.force).reduce(0, +) * scale))
            }
        }
        for _ in 0..<steps.w1 { turn("w1", weights, positive("P1"), matrix("B1") * a("w1")) }
        for _ in 0..<steps.game {
            let (g, h) = (values["g"]!, values["h"]!)
            turn("h", game, positive("Ph"), matrix("D") * g + matrix("Bh") * a("h"))
            turn(
                "g", game, positive("Pg"),
                matrix("Bg") * a("g") - matrix("C") * (isSimultaneous ? h : values["h"]!))
        }
        var g = values["g"]!
        if let averageDecay {
            g = constant(vector("g average")) * averageDecay + g * (1 - averageDecay)
        }
        var c = matrix("M") * values["w1"]! + matrix("N") * a("class_weights")
        if !isCouplingDifferentiable { c = constant(c.map(\.value)) }
        for _ in 0..<steps.w2 {
            turn("w2", weights, positive("P2"), matrix("B2") * a("w2") + matrix("E") * c + matrix("F") * g)
        }
        let (w2, direct) = (values["w2"]!, a("direct"))
        let distance = sum((w2 - constant(vector("t"))).map { $0 * $0 }) * 0.5
        let mixed = sum(zip(w2, matrix("Q") * direct).map { $0 * $1 })
        return (values, distance + mixed + sum(direct.map { $0 * $0 }) * 0.5)
    }

    /// The terms where every level is at its stationary point, by dense solves of F_θ dθ/dA = −F_A; the outer
    /// objective is taken at the values given. The objectives are those of each player's last step.
    ///
    /// - Parameter damping: on the diagonal of F_θ, where the weight decay is too.
    func implicitTerms(w2: [Double], damping: Double = 0) -> [String: [Double]] {
        let n = Self.size
        func mean(_ player: String, _ part: KeyPath<(curvature: Double, force: Double), Double>) -> Double {
            let last = evaluations(player)
            let factors = (last - accumulation..<last).map { self.factors(player, $0)[keyPath: part] }
            return factors.reduce(0, +) / Double(accumulation)
        }
        func jacobian(_ player: String, _ label: String, _ rule: Rule) -> Matrix {
            var m = positive(label).scaled(by: mean(player, \.curvature))
            for index in m.indices { m[index][index] += damping + rule.weightDecay }
            return m
        }
        func force(_ player: String, _ label: String) -> Matrix {
            matrix(label).scaled(by: mean(player, \.force))
        }
        let zero = Matrix(repeating: [Double](repeating: 0, count: n), count: n)
        // The game's unknowns are (h, g).
        let (ph, pg) = (jacobian("h", "Ph", game), jacobian("g", "Pg", game))
        let (d, c) = (force("h", "D"), force("g", "C"))
        let rows = (0..<n).map { ph[$0] + d[$0].map { -$0 } } + (0..<n).map { c[$0] + pg[$0] }
        let kept = 1 - (averageDecay ?? 0)
        func ofGame(_ h: Matrix, _ g: Matrix) -> Matrix {
            product(force("w2", "F"), Array(solved(rows, h + g)[n...])).scaled(by: kept)
        }
        func ofCoupling(_ m: Matrix) -> Matrix {
            isCouplingDifferentiable ? product(force("w2", "E"), m) : zero
        }
        let w1 = solved(jacobian("w1", "P1", weights), force("w1", "B1"))
        let forces: [String: Matrix] = [
            "w2": force("w2", "B2"), "class_weights": ofCoupling(matrix("N")),
            "w1": ofCoupling(product(matrix("M"), w1)), "g": ofGame(zero, force("g", "Bg")),
            "h": ofGame(force("h", "Bh"), zero),
        ]
        let a = vector("A")
        let qa = product(matrix("Q"), a.map { [$0] }).map { $0[0] }
        let cotangent = zip(zip(w2, vector("t")), qa).map { $0.0 - $0.1 + $1 }
        var terms = forces.mapValues {
            product([cotangent], solved(jacobian("w2", "P2", weights), $0))[0]
        }
        terms["direct"] = zip(product([w2], matrix("Q"))[0], a).map { $0 + $1 }
        return terms
    }
}
