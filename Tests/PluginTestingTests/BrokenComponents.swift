import Bilevel
import DCGAN
import Datasets
import ErrataCore
import Multilevel
import NeuralNetworks
import Synchronization
import TensorEngine

/// DCGAN with something wrong.
struct BrokenGenerator: ConditionalGenerator {
    enum Fault: Sendable { case none, labels, range, critic, metric, detached }

    private let base: DCGANGenerator
    private let fault: Fault

    init(_ fault: Fault, _ context: GeneratorContext) throws {
        var settings = DCGANConfiguration()
        (settings.noise, settings.embedding, settings.channels) = (3, 2, 2)
        base = try DCGANGenerator(settings, for: context.images, backbone: context.backbone)
        self.fault = fault
    }

    var layout: ModelLayout { base.layout }
    var discriminator: any Discriminator { base.discriminator }
    var training: AdversarialTraining {
        var training = base.training
        if fault == .critic { training.criticSteps = 0 }
        return training
    }

    func noise(_ count: Int, _ dtype: DType, on backend: any Backend, from stream: RandomStream) throws
        -> Tensor
    {
        try base.noise(count, dtype, on: backend, from: stream)
    }

    func images(noise: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor {
        guard fault == .labels else {
            let images = try base.images(noise: noise, labels: labels, context)
            return fault == .range ? try images + 1 : images
        }
        let same = try labels.backend.tensor([Int32](repeating: 0, count: labels.count), labels.shape)
        return try base.images(noise: noise, labels: same, context)
    }

    func discriminatorLoss(_ game: AdversarialGame) throws -> Evaluation { try base.discriminatorLoss(game) }

    func generatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        var evaluation = try base.generatorLoss(game)
        if fault == .metric { evaluation.metrics["score"] = 1 }
        if fault == .detached {
            let size = try game.generator[1].detached.squared().sum()
            evaluation = Evaluation(try evaluation.value * (size + 1))
        }
        return evaluation
    }
}

struct BrokenWeighter: ClassWeighter {
    typealias Function = @Sendable (ClassPerformance) throws -> Tensor

    let isDifferentiable: Bool
    let function: Function

    func weights(_ performance: ClassPerformance, estimates: ClassEstimates) throws -> Tensor {
        try function(performance)
    }
}

/// Momentum with something wrong.
struct BrokenOptimizer: Optimizer {
    enum Fault: Sendable { case none, detached, ascends, slots }

    let fault: Fault
    private let base = SGD(momentum: 0.9)

    init(fault: Fault) { self.fault = fault }

    var slots: [String] { base.slots + (fault == .slots ? ["never_kept"] : []) }

    func step(_ parameter: Tensor, gradient: Tensor, slots: [Tensor?], rate: Double, count: Int) throws
        -> (parameter: Tensor, slots: [Tensor])
    {
        try base.step(
            parameter, gradient: fault == .detached ? gradient.detached : gradient, slots: slots,
            rate: fault == .ascends ? -rate : rate, count: count)
    }
}

/// The plain search with something wrong.
struct BrokenMethod: SearchMethod {
    enum Fault: Sendable { case none, undeclared, unreported, occurrences, classifiers }

    let base: BilevelMethod
    let fault: Fault

    var models: [ModelDeclaration] { base.models }
    var batches: [BatchRequest] { base.batches }
    var order: UpdateOrder { base.order }
    var initialMemory: Memory { base.initialMemory }
    var metrics: [MetricDeclaration] {
        fault == .undeclared
            ? [] : base.metrics + (fault == .unreported ? [.init("ghost", "never reported")] : [])
    }
    var occurrences: [String] { base.occurrences + (fault == .occurrences ? ["generator"] : []) }
    var classifiers: [ValueID] { fault == .classifiers ? ["w9"] : base.classifiers }

    func problem(of step: SearchStep) throws -> MultilevelProblem { try base.problem(of: step) }
}

/// The exact gradient with its sign changed.
struct Opposite: Hypergradient {
    func gradient(of problem: MultilevelProblem, at solution: Solution) throws -> OuterGradient {
        let found = try ExactHypergradient().gradient(of: problem, at: solution)
        return try OuterGradient(
            problem.outer(solution.values), gradient: found.gradient.scaled(by: -1), terms: found.terms)
    }
}

struct Negative: Schedule {
    func rate(from initial: Double, at time: TrainingTime) -> Double { -initial }
}

/// Two images of two classes, one label of neither.
struct Mislabelled: Dataset {
    let name = "mislabelled"
    let height = 1
    let width = 1
    let channels = 1
    let classNames = ["a", "b"]
    let labels: [Int32] = [0, 1, 2]

    func copyImage(_ index: Int, into buffer: UnsafeMutableBufferPointer<UInt8>) throws {
        guard labels.indices.contains(index) else { throw DatasetError(name, "no image \(index)") }
        buffer[0] = UInt8(index)
    }
}

/// A rule that a test gives.
struct BrokenStopping: EarlyStopping {
    typealias Function = @Sendable (SearchEpoch, inout Memory) throws -> StoppingVerdict?

    let function: Function

    func verdict(on epoch: SearchEpoch, _ memory: inout Memory) throws -> StoppingVerdict? {
        try function(epoch, &memory)
    }
}

/// The softmax with a fault.
final class BrokenRelaxation: Relaxation {
    enum Fault: Sendable {
        case none, shape, nan, gradient, hidden, running, strengths, penalty, surrogate
    }

    private let fault: Fault
    private let calls = Mutex(0)

    init(_ fault: Fault) { self.fault = fault }

    func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws -> RelaxedWeights
    {
        let weights = try alpha.softmax()
        switch fault {
        case .shape: return RelaxedWeights(try weights.sum(axes: [1]))
        case .nan: return RelaxedWeights(try (weights - 1).log())
        case .gradient: return RelaxedWeights(try weights.detached + alpha - alpha.detached)
        case .hidden:
            let call = calls.withLock { calls in
                calls += 1
                return calls
            }
            return RelaxedWeights(try weights * Double(call))
        case .running: return RelaxedWeights(weights, runs: candidates.map { $0.map { $0 == "none" } })
        case .none, .strengths, .penalty, .surrogate: return RelaxedWeights(weights)
        }
    }

    func surrogate(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws -> Tensor {
        fault == .surrogate
            ? try alpha.sigmoid() : try weights(alpha, of: candidates, in: pass).weights
    }

    func strengths(_ alpha: Tensor) throws -> Tensor { try fault == .strengths ? alpha : alpha.softmax() }

    func penalty(_ alphas: [Tensor], at time: TrainingTime) throws -> Tensor? {
        guard fault == .penalty else { return nil }
        return try alphas[0].squared().detached.sum() + alphas[1].sum()
    }
}
