import CPUEngine
import Foundation
import Multilevel
import MultilevelTesting
import NeuralNetworks
import Synchronization
import TensorEngine

/// One step of a tiny search, at warm optimisers and large rates, as a function of A in each of its occurrences: what
/// the exact hypergradient is held against by central differences.
public struct WholeStep: Sendable {
    private let backend: KinkBackend
    private let problem: MultilevelProblem
    /// Along which A is perturbed.
    private let direction: [Tensor]
    private let buffers: RecordedBuffers
    private let willSolve: @Sendable () -> Void

    /// - Parameters:
    ///   - column: the only column of the architecture's parameters that is raised and perturbed; all are perturbed
    ///     where absent.
    ///   - willSolve: called before each solution.
    ///   - change: what the search is, before and in the step.
    public init(
        seed: UInt64, column: Int? = nil, willSolve: @escaping @Sendable () -> Void = {},
        _ change: (inout TinySearch) -> Void
    ) throws {
        let backend = KinkBackend(try CPUBackend(threads: 1))
        var tiny = try TinySearch(on: backend) { tiny in
            tiny.seed = seed
            (tiny.space.nodes, tiny.space.stemMultiplier, tiny.space.initialDeviation) = (1, 1, 0.5)
            (tiny.dcgan.noise, tiny.dcgan.embedding) = (3, 2)
            (tiny.dcgan.channels, tiny.dcgan.discriminatorChannels) = (2, 2)
            tiny.weights.clip = nil
            (tiny.trainingLabels, tiny.validationLabels) = ([0, 1, 2], { _ in [2, 0, 1] })
            change(&tiny)
        }
        var state = try tiny.run(2).last!
        tiny.weights.rate = 0.5
        tiny.dcgan.training.generator.rate = 0.1
        tiny.dcgan.training.discriminator.rate = 0.1

        let mask = try state.architecture.state.parameters.map { a in
            let columns = (0..<a.shape.channels).map { column == nil || column == $0 ? 1.0 : 0 }
            return try backend.tensor(columns, [columns.count])
        }
        if column != nil {
            state.architecture.state.parameters = try zip(state.architecture.state.parameters, mask).map {
                try $0 + $1 * 2
            }
        }
        let raw = try zip(state.architecture.state.parameters, mask).enumerated().map { index, pair in
            try backend.normal(pair.0.shape, .float64, from: RandomStream(seed: seed, "direction \(index)"))
                * pair.1
        }
        direction = try raw.scaled(by: 1 / raw.norm())
        problem = try tiny.problem(state)
        self.backend = backend
        self.willSolve = willSolve
        let recorded = RecordedBuffers()
        buffers = recorded
        willSolve()
        let watched = problem.changed { recorded.record($0, $1) }
        _ = try watched.outer(watched.solve().values)
        _ = backend.takeDigest()
    }

    /// The outer objective where A is moved in some of its occurrences, and what decided it. Buffers are constants.
    private func outer(moving paths: Set<String>, by step: Double) throws -> (Double, KinkBackend.Digest) {
        let moved = try problem.architecture.adding(direction, times: step)
        let buffers = buffers
        let perturbed = problem.changed { occurrence, values in
            var values = buffers.replay(occurrence, values)
            if paths.contains(occurrence) { values.architecture = moved }
            return values
        }
        willSolve()
        return (try perturbed.outer(perturbed.solve().values).value.item(), backend.takeDigest())
    }

    /// The slope along the direction by central differences; nil where a kink lies between.
    private func slope(moving paths: Set<String>, by h: Double, from here: KinkBackend.Digest) throws
        -> Double?
    {
        let (ahead, decidedAhead) = try outer(moving: paths, by: h)
        guard decidedAhead == here else { return nil }
        let (behind, decidedBehind) = try outer(moving: paths, by: -h)
        return decidedBehind == here ? (ahead - behind) / (2 * h) : nil
    }

    /// Where the exact hypergradient is not the slope of the step; nil if there is a kink too near to tell.
    ///
    /// - Parameters:
    ///   - paths: the occurrences of A: each is perturbed alone, and all together.
    ///   - zero: those whose terms are truly zero.
    ///   - hypergradient: by default of all paths.
    public func disagreements(_ paths: [String], zero: Set<String>) throws -> [String]? {
        let here = try outer(moving: [], by: 0).1
        guard here.decisions > 1000 else { return ["only \(here.decisions) decisions were watched"] }
        let smallest = 1e-6
        guard try slope(moving: Set(paths), by: smallest, from: here) != nil else { return nil }
        willSolve()
        let found = try ExactHypergradient().gradient(of: problem, at: problem.solve())
        _ = backend.takeDigest()
        let largest = try found.terms.values.map { abs(try $0.inner(direction)) }.max() ?? 0
        var wrong: [String] = []
        for path in paths + ["all"] {
            let term =
                try path == "all"
                ? found.gradient.inner(direction) : found.terms[path].map { try $0.inner(direction) } ?? 0
            if zero.contains(path) ? term != 0 : abs(term) <= 1e-7 {
                wrong.append("\(path): the term is \(term)")
            }
            // Small terms have the rounding of the large ones.
            func agrees(_ slope: Double) -> Bool {
                abs(slope - term) <= 1e-6 * abs(slope) + 1e-8 * largest + 1e-10
            }
            var slopes: [Double] = []
            var last: (h: Double, slope: Double)?
            for h in [3e-5, 1e-5, 3e-6, smallest] {
                guard let slope = try slope(moving: path == "all" ? Set(paths) : [path], by: h, from: here)
                else {
                    continue
                }
                slopes.append(slope)
                // Of two steps, what their error of second order cancels in (Richardson, 1911).
                if let last { slopes.append(slope + (slope - last.slope) / (pow(last.h / h, 2) - 1)) }
                last = (h, slope)
                if slopes.contains(where: agrees) { break }
            }
            guard slopes.contains(where: agrees) else {
                wrong.append("\(path): slopes \(slopes), the gradient says \(term)")
                continue
            }
        }
        return wrong
    }
}

/// What each evaluation saw of the models' buffers.
private final class RecordedBuffers: Sendable {
    private struct Key: Hashable {
        let occurrence: String
        let occasion: Occasion
    }

    private let seen = Mutex<[Key: [ValueID: [Tensor]]]>([:])

    func record(_ occurrence: String, _ values: Values) -> Values {
        seen.withLock { $0[Key(occurrence: occurrence, occasion: values.occasion)] = values.buffers }
        return values
    }

    func replay(_ occurrence: String, _ values: Values) -> Values {
        var values = values
        values.buffers = seen.withLock { $0[Key(occurrence: occurrence, occasion: values.occasion)]! }
        return values
    }
}
