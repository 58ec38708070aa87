import Datasets
import Multilevel
import NeuralNetworks
import TensorEngine

/// A search of one stage: takes the steps that a method describes, and A's.
public struct ArchitectureSearch: Sendable {
    public let space: any SearchSpace
    public let supernet: any Supernet
    public let method: any SearchMethod
    public let hypergradient: any Hypergradient
    private let images: ImageSpecification
    private let descent: Descent
    private let seed: UInt64
    private let communicator: any Communicator

    /// - Parameters:
    ///   - space: of this stage.
    ///   - supernet: of the space.
    ///   - method: what is learned.
    ///   - hypergradient: how A's gradient is computed.
    ///   - images: what the networks are given.
    ///   - architecture: how A descends.
    ///   - seed: decides every random number.
    ///   - communicator: the processes that share the batches.
    /// - Throws: `SearchError` if the hypergradient keeps an occurrence of A that the method does not have.
    public init(
        space: any SearchSpace, supernet: any Supernet, method: any SearchMethod,
        hypergradient: any Hypergradient, images: ImageSpecification, architecture: Descent, seed: UInt64,
        communicator: any Communicator = Alone()
    ) throws {
        self.space = space
        self.supernet = supernet
        self.method = method
        self.hypergradient = hypergradient
        self.images = images
        descent = architecture
        self.seed = seed
        self.communicator = communicator
        let known = method.occurrences
        for path in (hypergradient.paths ?? []).sorted() where !method.models.isEmpty && !known.contains(path)
        {
            let meant = suggestion(for: path, among: known).map { ", did you mean '\($0)'?" } ?? ""
            throw SearchError(
                "hypergradient.paths: A does not occur in \(path.quotedForMessage) here\(meant) "
                    + "(it occurs in \(known.joined(separator: ", ")))")
        }
    }

    /// The state before the first step.
    ///
    /// - Throws: `TensorError` if the backend has no room for it.
    public func initialState(on backend: any Backend, _ dtype: DType) throws -> SearchState {
        let architecture = ModelDeclaration(
            "architecture", layout: space.architecture, descent: descent, setting: "optimizers.architecture")
        var models: [ValueID: Model] = [:]
        for model in method.models {
            models[model.id] = try model.initial(seed: seed, on: backend, dtype)
        }
        return SearchState(
            architecture: try architecture.initial(seed: seed, on: backend, dtype), models: models,
            memory: method.initialMemory)
    }

    /// The state with which this stage goes on from the one before: models that survive stages keep their values, all
    /// others and A begin anew.
    ///
    /// - Throws: `TensorError` if the backend has no room for it.
    public func state(after earlier: SearchState, on backend: any Backend, _ dtype: DType) throws
        -> SearchState
    {
        var state = try initialState(on: backend, dtype)
        for model in method.models where model.survivesStages { state[model.id] = earlier[model.id] }
        state.step = earlier.step
        return state
    }

    /// One step of every level and of A, in the method's order.
    ///
    /// - Returns: what is to be reported, by the names of `metrics`.
    /// - Throws: `SearchError` if something is no longer a number, or is reported that was not declared.
    public func step(_ state: inout SearchState, on batches: StepBatches, at time: TrainingTime) throws
        -> [String: Double]
    {
        var metrics: [String: Double] = [:]
        let architectureSteps = !time.isWarmup
        if method.order == .architectureFirst, architectureSteps {
            let problem = try problem(state, batches, time).unclipped
            let solution = try hypergradient.differentiatesSteps ? problem.solve() : problem.unstepped()
            try descend(&state, problem, solution, time, &metrics)
        }
        let problem = try problem(state, batches, time)
        let solution = try problem.solve()
        for (id, observation) in solution.observations {
            metrics["\(id)_loss"] = observation.value
            metrics["\(id)_gradient_norm"] = observation.gradientNorm
            metrics.merge(observation.metrics) { $1 }
        }
        if !architectureSteps {
            var values = solution.values
            values.isObserved = true
            let outer = try problem.outer(values)
            metrics.merge(outer.metrics) { $1 }
            metrics["architecture_loss"] = try outer.value.item()
        } else if method.order == .weightsFirst {
            try descend(&state, problem, solution, time, &metrics)
        }
        for (name, rate) in rates(at: time) { metrics["\(name)_learning_rate"] = rate }
        metrics = try agreed(metrics, on: problem)
        try check(metrics, solution, step: state.step)
        for model in method.models {
            state[model.id].state = ModelState(
                parameters: solution.values[model.id],
                buffers: solution.values.buffers[model.id] ?? state[model.id].state.buffers)
            if let optimizer = solution.optimizers[model.id] { state[model.id].optimizer = optimizer }
            if model.average != nil { state[model.id].average = solution.values[model.averageID] }
        }
        try method.absorb(
            StepOutcome(time: time, observations: solution.observations), into: &state.memory)
        state.step += 1
        return metrics
    }

    /// The problem of a step, with what the space and the models' declarations add to it.
    public func problem(_ state: SearchState, _ batches: StepBatches, _ time: TrainingTime) throws
        -> MultilevelProblem
    {
        let step = SearchStep(state, batches, at: time, seed: seed, communicator: communicator)
        var problem = try method.problem(of: step)
        for model in method.models {
            guard let decay = model.average, let average = state[model.id].average else { continue }
            problem = problem.averaging(model.id, as: model.averageID, from: average, decay: decay)
        }
        return problem.adding { try space.penalty($0, at: time) }
    }

    /// A's own step.
    private func descend(
        _ state: inout SearchState, _ problem: MultilevelProblem, _ solution: Solution, _ time: TrainingTime,
        _ metrics: inout [String: Double]
    ) throws {
        let found = try hypergradient.gradient(of: problem, at: solution)
        metrics.merge(found.metrics) { $1 }
        metrics["architecture_loss"] = found.value
        for (path, term) in found.terms { metrics["architecture_gradient_\(path)"] = try term.norm() }
        let step = descent.step(state.architecture.optimizer, at: time)
        let (updated, optimizer, norm) = try step(
            state.architecture.state.parameters, gradients: found.gradient)
        metrics["architecture_gradient_norm"] = try norm?.item()
        metrics = try agreed(metrics, on: problem)
        try check(metrics, solution, step: state.step)
        state.architecture.state.parameters = updated.map(\.detached)
        state.architecture.optimizer = optimizer
    }

    /// The learning rates at a time, of the models and of A: 0 while A waits.
    private func rates(at time: TrainingTime) -> [(name: String, rate: Double)] {
        method.models.map { ($0.id.name, $0.descent.rate(at: time)) }
            + [("architecture", time.isWarmup ? 0 : descent.rate(at: time))]
    }

    // MARK: What is reported

    /// All that `step` may report, in the order of a table's columns.
    public var metrics: [MetricDeclaration] {
        let levels = method.models.map {
            MetricDeclaration("\($0.id)_loss", "before the step", label: "\($0.id)")
        }
        let clipped =
            method.models.filter { $0.descent.clip != nil }.map(\.id.name)
            + (descent.clip == nil ? [] : ["architecture"])
        return levels
            + [
                MetricDeclaration("architecture_loss", "what A descends", label: "val"),
                MetricDeclaration("architecture_penalty", "the space's part of it"),
            ] + method.metrics
            + clipped.map { MetricDeclaration("\($0)_gradient_norm", "before clipping") }
            + method.occurrences.map {
                MetricDeclaration(
                    "architecture_gradient_\($0)",
                    "the norm of the hypergradient's term at this occurrence of A")
            }
            + rates(at: TrainingTime()).map {
                MetricDeclaration("\($0.name)_learning_rate", "of this step")
            }
    }

    /// The means over the ranks, so that all report the same and stop at the same.
    private func agreed(_ metrics: [String: Double], on problem: MultilevelProblem) throws -> [String: Double]
    {
        guard communicator.size > 1, let backend = problem.architecture.first?.backend else { return metrics }
        let names = metrics.keys.sorted()
        let values = try backend.tensor(names.map { metrics[$0]! }, [names.count])
        let means = try communicator.mean([values])[0].doubles()
        return Dictionary(uniqueKeysWithValues: zip(names, means))
    }

    /// - Throws: `SearchError` if a metric is no number, or has no declaration.
    private func check(_ metrics: [String: Double], _ solution: Solution, step: Int) throws {
        let declared = Set(self.metrics.map(\.name))
        for name in metrics.keys.sorted() {
            guard declared.contains(name) else {
                throw SearchError(
                    "'\(name)' is reported but not declared: a method or generator lists what it reports in "
                        + "'metrics'")
            }
            guard !metrics[name]!.isFinite else { continue }
            throw try SearchError(
                "step \(step + 1): \(name) is \(metrics[name]!); "
                    + remedy(metrics, solution))
        }
    }

    /// What to change where a search has diverged.
    private func remedy(_ metrics: [String: Double], _ solution: Solution) throws -> String {
        guard try solution.values.architecture.norm().isFinite else {
            return "A has diverged. Lower optimizers.architecture.rate, and begin anew"
        }
        let diverged = try method.models.filter { model in
            try [metrics["\(model.id)_loss"], metrics["\(model.id)_gradient_norm"]].contains {
                $0.map { !$0.isFinite } ?? false
            } || !solution.values[model.id].norm().isFinite
        }
        guard !diverged.isEmpty else {
            if let loss = metrics["architecture_loss"], !loss.isFinite,
                let judged = method.models.first(where: { $0.id == method.classifiers.last })
            {
                return
                    "the step of \(judged.id) has led it astray. Lower \(judged.setting).rate, and begin anew"
            }
            return "the models are finite, the hypergradient has diverged. Where it solves a linear system, "
                + "lower hypergradient.rate or raise hypergradient.damping; else lower "
                + "optimizers.architecture.rate, and begin anew"
        }
        let names = diverged.map(\.id.name).joined(separator: ", ")
        let rates = diverged.map { "\($0.setting).rate" }
        let settings = rates.enumerated().filter { !rates[..<$0].contains($1) }.map(\.element)
        return "\(names) \(diverged.count == 1 ? "has" : "have") diverged. Lower "
            + "\(settings.joined(separator: " or ")), and begin anew"
    }

    // MARK: An epoch's end

    /// How well each of the method's classifiers does, with running statistics.
    ///
    /// - Throws: what reading the batches throws.
    public func performances(
        _ state: SearchState, on batches: any BatchSource, at time: TrainingTime
    ) throws -> [(id: ValueID, performance: Performance)] {
        try method.classifiers.map { id in
            let context = ForwardContext(
                state[id].state, normalization: .running, purpose: .evaluation, time: time)
            return (
                id,
                try Performance(of: batches, classes: images.classes) {
                    try supernet.logits(
                        $0, architecture: state.architecture.state.parameters, context)
                }
            )
        }
    }

    /// The dominant eigenvalue of ∇²_A of what A descends, at the weights as they are: where it grows, found networks
    /// generalise badly (Zela et al., 2020).
    ///
    /// - Parameters:
    ///   - state: its weights are held.
    ///   - batches: whose validation batch is taken.
    ///   - time: of the step.
    ///   - stopping: of the power iteration, each product of which costs a second derivative.
    public func dominantEigenvalue(
        _ state: SearchState, on batches: StepBatches, at time: TrainingTime,
        _ stopping: StoppingRule = StoppingRule(iterations: 20, tolerance: 1e-2)
    ) throws -> Double {
        let problem = try problem(state, batches, time)
        let graph = try GradientGraph(
            of: problem.outer, .architecture, at: problem.unstepped().values, [.architecture])
        let start = try state.architecture.state.parameters.enumerated().map { index, parameter in
            try parameter.backend.normal(
                parameter.shape, parameter.dtype,
                from: RandomStream(seed: seed, "eigenvector").derived(UInt64(index)))
        }
        return try Multilevel.dominantEigenvalue(
            { direction in
                try graph.product(direction, withRespectTo: [.architecture], over: communicator)[
                    .architecture]!
            }, from: start, stopping)
    }
}

/// Why a search cannot begin or go on.
public struct SearchError: Error, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
