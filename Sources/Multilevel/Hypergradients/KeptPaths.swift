/// The values that a kept path of A leads to.
public struct KeptPaths: Sendable {
    private let paths: Set<String>?
    public private(set) var values: Set<ValueID> = []

    /// - Parameter paths: the occurrences of A that are kept; all where absent.
    public init(paths: Set<String>?) { self.paths = paths }

    /// The dependencies of a function through which a kept path runs.
    ///
    /// - Parameters:
    ///   - dependencies: of the function.
    ///   - path: the function's occurrence of A.
    public func targets(_ dependencies: [Dependency], path: String) -> [Dependency] {
        dependencies.filter {
            switch $0 {
            case .architecture: paths?.contains(path) ?? true
            case .value(let id): values.contains(id)
            }
        }
    }

    public mutating func insert(_ id: ValueID) { values.insert(id) }

    mutating func pass(_ coupling: Coupling) {
        if coupling.isDifferentiable,
            !targets(coupling.function.dependencies, path: coupling.id.name).isEmpty
        {
            insert(coupling.id)
        }
    }
}
