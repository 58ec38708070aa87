import ErrataCore
import NeuralNetworks
import TensorEngine

/// A relaxation whose weights are perturbed within ±ε. ε grows over a stage's epochs as in SDARTS's published code:
/// ε₀ + (ε₁ − ε₀)·epoch/epochs.
public protocol PerturbedRelaxation: Relaxation, Configuration {
    /// ε₀.
    var radius: Double { get set }
    /// ε₁, which ε grows towards.
    var finalRadius: Double { get set }
}

extension PerturbedRelaxation {
    func radius(at time: TrainingTime) -> Double {
        radius + (finalRadius - radius) * Double(time.epoch) / Double(max(time.epochs, 1))
    }

    static var radiusFields: [ConfigurationField<Self>] {
        [
            .init("radius", \.radius, "of the perturbation in a stage's first epoch", .within(0...1)),
            .init("final_radius", \.finalRadius, "that it grows towards", .within(0...1)),
        ]
    }
}

/// The softmax, to which noise uniform in ±ε is added where the model's weights train, never where A descends (Chen and
/// Hsieh, 2020, SDARTS, random smoothing); then clipped to [0, 1] and divided by its sum.
public struct RandomSmoothingRelaxation: PerturbedRelaxation {
    public var radius = 0.03
    public var finalRadius = 0.3

    public init() {}

    public static var fields: [ConfigurationField<Self>] { radiusFields }

    public func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws
        -> RelaxedWeights
    {
        let weights = try alpha.softmax()
        guard pass.purpose == .training else { return RelaxedWeights(weights) }
        let radius = radius(at: pass.time)
        let noise = try alpha.backend.tensor(
            (0..<alpha.count).map { (2 * pass.uniform($0) - 1) * radius }, alpha.shape)
        return RelaxedWeights(try (weights + noise.cast(to: alpha.dtype)).ontoDistributions())
    }
}

/// The softmax, to which the perturbation within ±ε that raises the loss most is added where a classifier's weights
/// train, never where A descends (Chen and Hsieh, 2020, SDARTS, adversarial training); then clipped to [0, 1] and
/// divided by its sum.
public struct AdversarialRelaxation: PerturbedRelaxation {
    public var radius = 0.03
    public var finalRadius = 0.3
    /// Of the ascent, each of which takes another pass forwards and backwards.
    public var steps = 7

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        radiusFields + [
            .init("steps", \.steps, "of the search for the worst perturbation", .within(1...1000))
        ]
    }

    public func adversary(at time: TrainingTime) -> WeightAdversary? {
        WeightAdversary(radius: radius(at: time), steps: steps)
    }

    public func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws
        -> RelaxedWeights
    {
        let weights = try alpha.softmax()
        guard let perturbation = pass.perturbation else { return RelaxedWeights(weights) }
        return RelaxedWeights(try (weights + perturbation).ontoDistributions())
    }
}

extension Tensor {
    /// Rows clipped to [0, 1] and divided by their sums; all at the largest element where nothing is above 0.
    fileprivate func ontoDistributions() throws -> Tensor {
        let clipped = try Tensor.minimum(relu(), filled(with: 1))
        let sums = try clipped.sum(axes: [1], keepingAxes: true)
        let isEmpty = try Tensor.equal(sums, sums.filled(with: 0))
        let largest = try Tensor.equal(self, detached.max(axes: [1], keepingAxes: true))
        return try (clipped + isEmpty * largest) / (sums + isEmpty)
    }
}
