import TensorEngine

/// The values at which objectives are evaluated.
public struct Values: Sendable {
    private var tensors: [Dependency: [Tensor]]
    /// Models' buffers by player, as the steps so far have left them: constants.
    public var buffers: [ValueID: [Tensor]] = [:]
    public var occasion = Occasion()
    /// Whether metrics are asked for: at the first evaluation of a step, not where it is differentiated once more.
    public var isObserved = false
    /// Whether functions should compute parts of themselves again for a gradient instead of keeping them.
    public var checkpointing = false

    public init(architecture: [Tensor], values: [ValueID: [Tensor]] = [:]) {
        tensors = [.architecture: architecture]
        for (id, value) in values { self[id] = value }
    }

    public var architecture: [Tensor] {
        get { self[.architecture] }
        set { tensors[.architecture] = newValue }
    }

    /// A player's variables or a coupling's quantity.
    public subscript(id: ValueID) -> [Tensor] {
        get { self[.value(id)] }
        set { tensors[.value(id)] = newValue }
    }

    subscript(dependency: Dependency) -> [Tensor] {
        guard let value = tensors[dependency] else {
            fatalError("a function reads \(dependency), which is not among its dependencies")
        }
        return value
    }

    /// The same without the values that a function does not depend on.
    func restricted(to dependencies: [Dependency]) -> Values {
        var result = self
        result.tensors = tensors.filter { dependencies.contains($0.key) }
        return result
    }

    /// Replaces values by variables of differentiation.
    ///
    /// - Returns: the variables.
    mutating func makeVariables(_ dependencies: [Dependency]) -> [Dependency: [Tensor]] {
        var variables: [Dependency: [Tensor]] = [:]
        for dependency in dependencies { variables[dependency] = self[dependency].map(\.variable) }
        tensors.merge(variables) { $1 }
        return variables
    }
}
