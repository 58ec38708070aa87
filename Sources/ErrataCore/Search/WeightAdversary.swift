import NeuralNetworks
import TensorEngine

/// Looks for the perturbation of mixed operations' weights that raises a loss most, within ±radius each: projected
/// gradient ascent by signs from a random start, in steps of 2·radius/steps (Madry et al., 2018; Chen and Hsieh, 2020,
/// SDARTS-ADV, and its published code).
public struct WeightAdversary: Sendable, Hashable {
    /// How far each weight is moved at most.
    public var radius: Double
    /// Of ascent; each takes a forward and a backward pass.
    public var steps: Int

    public init(radius: Double, steps: Int) {
        self.radius = radius
        self.steps = steps
    }

    /// - Parameters:
    ///   - parts: tensors of the shapes and type of what is perturbed.
    ///   - random: where it begins.
    ///   - loss: of the perturbations.
    /// - Returns: constants; 0 where what was found is no worse than no perturbation.
    public func perturbations(
        of parts: [Tensor], random: RandomStream, raising loss: ([Tensor]) throws -> Tensor
    ) throws -> [Tensor] {
        var found = try parts.enumerated().map { index, part in
            let random = random.derived(UInt64(index))
            let start = (0..<part.count).map { (2 * random.uniform(at: UInt64($0)) - 1) * radius }
            return try part.backend.tensor(start, part.shape).cast(to: part.dtype)
        }
        for _ in 0..<steps {
            let variables = found.map(\.variable)
            let slopes = try gradients(of: loss(variables), withRespectTo: variables)
            found = try zip(found, slopes).map { perturbation, slope in
                let zero = try slope.filled(with: 0)
                let sign = try Tensor.greater(slope, zero) - Tensor.greater(zero, slope)
                return try (perturbation + sign * (2 * radius / Double(steps))).clamped(to: radius)
            }
        }
        let isWorse = try Tensor.greater(loss(found), loss(found.map { try $0.filled(with: 0) }))
        return try found.map { try ($0 * isWorse).detached }
    }
}

extension Tensor {
    fileprivate func clamped(to bound: Double) throws -> Tensor {
        try Tensor.maximum(Tensor.minimum(self, filled(with: bound)), filled(with: -bound))
    }
}
