import CPUEngine
import ErrataCore
import NeuralNetworks
import TensorEngine

/// A three-level problem of LFM-CW's form whose gradients are all linear, so that every derivative of its
/// solution has a closed form:
///
///     w1:  ½w1ᵀP1w1 − w1ᵀB1A                      c = Mw1′ + NA
///     h:   ½hᵀPh h − hᵀ(Dg + BhA)                 g:  ½gᵀPg g + gᵀ(Ch − BgA)
///     w2:  ½w2ᵀP2w2 − w2ᵀ(B2A + Ec + Fg′)         A:  ½‖w2′ − t‖² + w2′ᵀQA + ½‖A‖²
struct QuadraticProblem {
    static let size = 3
    var seed: UInt64 = 1
    var simultaneous = true
    var innerSteps = 1
    /// Of w1 and w2.
    var weights = Optimizer.sgd(momentum: 0, decay: 0, clip: nil)
    /// Of g and h.
    var game = Optimizer.sgd(momentum: 0, decay: 0, clip: nil)
    var rate = 0.3

    enum Optimizer {
        case sgd(momentum: Double, decay: Double, clip: Double?)
        case adam(epsilon: Double, isWarm: Bool)
    }

    static let players = ["w1", "h", "g", "w2"]
    static let paths = ["direct", "w2", "class_weights", "w1", "g", "h"]

    // MARK: Numbers

    private func normal(_ label: String, _ index: Int) -> Double {
        RandomStream(seed: seed, label).normal(at: UInt64(index))
    }

    func vector(_ label: String) -> [Double] { (0..<Self.size).map { normal(label, $0) } }

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

    // MARK: For the engine

    func problem(on backend: CPUBackend) throws -> MultilevelProblem {
        func tensor(_ m: Matrix) throws -> Tensor {
            try backend.tensor(m.flatMap(\.self), [m.count, m[0].count])
        }
        func column(_ x: [Double]) throws -> Tensor { try backend.tensor(x, [x.count, 1]) }
        func optimizer(_ name: String, _ kind: Optimizer) throws -> InnerOptimizer {
            switch kind {
            case .sgd(let momentum, let decay, let clip):
                InnerOptimizer(
                    .sgd(
                        SGD(momentum: momentum, weightDecay: decay),
                        .init(velocities: momentum == 0 ? [] : [try column(vector("\(name) velocity"))])),
                    rate: rate, clip: clip)
            case .adam(let epsilon, let isWarm):
                InnerOptimizer(
                    .adam(
                        Adam(beta1: 0.5, beta2: 0.9, epsilon: epsilon),
                        isWarm
                            ? .init(
                                first: [try column(vector("\(name) first"))],
                                second: [try column(vector("\(name) second").map { $0 * $0 })], steps: 2)
                            : .init()), rate: rate)
            }
        }
        func player(
            _ name: String, _ kind: Optimizer, _ dependencies: [Dependency],
            _ curvature: Matrix, _ force: @escaping @Sendable (Point) throws -> Tensor
        ) throws -> Player {
            let p = try tensor(curvature)
            return Player(
                name: name, parameters: [try column(vector(name))], optimizer: try optimizer(name, kind),
                dependencies: dependencies
            ) { point, _ in
                let x = point[name][0]
                return try (x * p.matmul(x)).sum() * 0.5 - (x * force(point)).sum()
            }
        }
        let (b1, m, n) = (try tensor(matrix("B1")), try tensor(matrix("M")), try tensor(matrix("N")))
        let (d, bh) = (try tensor(matrix("D")), try tensor(matrix("Bh")))
        let (c, bg) = (try tensor(matrix("C")), try tensor(matrix("Bg")))
        let (b2, e, f) = (try tensor(matrix("B2")), try tensor(matrix("E")), try tensor(matrix("F")))
        let (t, q) = (try column(vector("t")), try tensor(matrix("Q")))
        return MultilevelProblem(
            architecture: [try column(vector("A"))],
            stages: [
                .level(
                    Level([
                        try player("w1", weights, [.architecture], positive("P1")) {
                            try b1.matmul($0.architecture[0])
                        }
                    ])),
                .level(
                    Level(
                        [
                            try player("h", game, [.architecture, "g"], positive("Ph")) {
                                try d.matmul($0["g"][0]) + bh.matmul($0.architecture[0])
                            },
                            try player("g", game, [.architecture, "h"], positive("Pg")) {
                                try bg.matmul($0.architecture[0]) - c.matmul($0["h"][0])
                            },
                        ], simultaneous: simultaneous)),
                .derived(
                    Derived("class_weights", dependencies: [.architecture, "w1"]) { point, _ in
                        [try m.matmul(point["w1"][0]) + n.matmul(point.architecture[0])]
                    }),
                .level(
                    Level([
                        try player("w2", weights, [.architecture, "class_weights", "g"], positive("P2")) {
                            point in
                            try b2.matmul(point.architecture[0]) + e.matmul(point["class_weights"][0])
                                + f.matmul(point["g"][0])
                        }
                    ])),
            ],
            outer: Objective([.architecture, "w2"]) { point, _ in
                let (a, w2) = (point.architecture[0], point["w2"][0])
                return try (w2 - t).squared().sum() * 0.5 + (w2 * q.matmul(a)).sum()
                    + a.squared().sum() * 0.5
            })
    }

    // MARK: In closed form

    /// The hypergradient's term of each path, by forward mode through the steps written out.
    func terms(holdingClip: Bool = false) -> [String: [Double]] {
        Dictionary(uniqueKeysWithValues: Self.paths.map { ($0, slopes(of: $0, holdingClip: holdingClip)) })
    }

    /// The outer objective's derivatives by the occurrence of A that is called `path`.
    private func slopes(of path: String, holdingClip: Bool) -> [Double] {
        let n = Self.size
        func constant(_ x: [Double]) -> [Dual] { x.map { .constant($0, n) } }
        func a(_ occurrence: String) -> [Dual] {
            vector("A").enumerated().map { index, value in
                var dual = Dual.constant(value, n)
                if occurrence == path { dual.slopes[index] = 1 }
                return dual
            }
        }
        var values = Dictionary(uniqueKeysWithValues: Self.players.map { ($0, constant(vector($0))) })
        var moments: [String: (first: [Dual], second: [Dual], steps: Int)] = [:]

        func step(_ name: String, _ kind: Optimizer, _ gradient: [Dual]) {
            let before = values[name]!
            switch kind {
            case .sgd(let momentum, let decay, let clip):
                var g = gradient
                if let clip {
                    let norm = g.map { $0 * $0 }.reduce(.constant(0, n), +).squareRoot
                    var factor = Dual.constant(clip, n) / (norm + 1e-6)
                    if holdingClip { factor = .constant(factor.value, n) }
                    if factor.value < 1 { g = g.map { $0 * factor } }
                }
                g = g + before * decay
                let velocity = moments[name]?.first ?? constant(vector("\(name) velocity"))
                if momentum != 0 { g = velocity * momentum + g }
                moments[name] = (g, [], 0)
                values[name] = before - g * rate
            case .adam(let epsilon, let isWarm):
                let zero = constant([Double](repeating: 0, count: n))
                let old =
                    moments[name]
                    ?? (isWarm
                        ? (
                            constant(vector("\(name) first")),
                            constant(vector("\(name) second").map { $0 * $0 }), 2
                        ) : (zero, zero, 0))
                let steps = old.steps + 1
                let first = old.first * 0.5 + gradient * 0.5
                let second = old.second * 0.9 + gradient.map { $0 * $0 } * 0.1
                moments[name] = (first, second, steps)
                func power(_ base: Double) -> Double {
                    (0..<steps).reduce(1) { product, _ in product * base }
                }
                values[name] = before.indices.map { i in
                    let m = first[i] * (1 / (1 - power(0.5)))
                    let v = second[i] * (1 / (1 - power(0.9)))
                    return before[i] - m / (v.squareRoot + epsilon) * rate
                }
            }
        }
        for _ in 0..<innerSteps {
            step("w1", weights, positive("P1") * values["w1"]! - matrix("B1") * a("w1"))
        }
        for _ in 0..<innerSteps {
            let (g, h) = (values["g"]!, values["h"]!)
            step("h", game, positive("Ph") * h - matrix("D") * g - matrix("Bh") * a("h"))
            step(
                "g", game,
                positive("Pg") * g + matrix("C") * (simultaneous ? h : values["h"]!) - matrix("Bg") * a("g"))
        }
        let c = matrix("M") * values["w1"]! + matrix("N") * a("class_weights")
        for _ in 0..<innerSteps {
            let force = matrix("B2") * a("w2") + matrix("E") * c + matrix("F") * values["g"]!
            step("w2", weights, positive("P2") * values["w2"]! - force)
        }
        let (w2, direct) = (values["w2"]!, a("direct"))
        let distance = (w2 - constant(vector("t"))).map { $0 * $0 }.reduce(.constant(0, n), +) * 0.5
        let mixed = zip(w2, matrix("Q") * direct).map { $0 * $1 }.reduce(.constant(0, n), +)
        return (distance + mixed + direct.map { $0 * $0 }.reduce(.constant(0, n), +) * 0.5).slopes
    }

    /// The terms where every level is at its stationary point, by dense solves of F_θ dθ/dA = −F_A; the outer
    /// objective is taken at the values given.
    ///
    /// - Parameter damping: on the diagonal of F_θ; the weight decay is one too.
    func implicitTerms(w2: [Double], damping: Double = 0) -> [String: [Double]] {
        let n = Self.size
        func damped(_ m: Matrix) -> Matrix {
            var m = m
            for index in m.indices { m[index][index] += damping }
            return m
        }
        let zero = Matrix(repeating: [Double](repeating: 0, count: n), count: n)
        // The game's unknowns are (h, g).
        let (ph, pg, d, c) = (damped(positive("Ph")), damped(positive("Pg")), matrix("D"), matrix("C"))
        let jacobian =
            (0..<n).map { ph[$0] + d[$0].map { -$0 } } + (0..<n).map { c[$0] + pg[$0] }
        func game(_ h: Matrix, _ g: Matrix) -> Matrix { Array(solved(jacobian, h + g)[n...]) }
        let toW2 = { solved(damped(positive("P2")), $0) }
        let slopes: [String: Matrix] = [
            "w2": toW2(matrix("B2")),
            "class_weights": toW2(product(matrix("E"), matrix("N"))),
            "w1": toW2(
                product(matrix("E"), product(matrix("M"), solved(damped(positive("P1")), matrix("B1"))))),
            "g": toW2(product(matrix("F"), game(zero, matrix("Bg")))),
            "h": toW2(product(matrix("F"), game(matrix("Bh"), zero))),
        ]
        let a = vector("A")
        let qa = matrix("Q").map { row in zip(row, a).reduce(0) { $0 + $1.0 * $1.1 } }
        let cotangent = zip(zip(w2, vector("t")), qa).map { $0.0 - $0.1 + $1 }
        var terms = slopes.mapValues { product([cotangent], $0)[0] }
        terms["direct"] = zip(product([w2], matrix("Q"))[0], a).map { $0 + $1 }
        return terms
    }
}
