import TensorEngine

/// The cotangents of a problem's values, and what has come of them for A.
public struct Cotangents: Sendable {
    private var values: [ValueID: [Tensor]] = [:]
    /// By occurrence of A.
    public private(set) var terms: [String: [Tensor]] = [:]
    /// In the order in which they were met, so that their sum is the same each time.
    private var paths: [String] = []

    public init() {}

    /// A value's cotangent, which is then gone: the value is replaced by what it was computed from.
    public mutating func take(_ id: ValueID) -> [Tensor]? { values.removeValue(forKey: id) }

    /// - Parameters:
    ///   - found: by what the function depends on.
    ///   - path: the occurrence that the cotangent of A is of.
    public mutating func add(_ found: [Dependency: [Tensor]], path: String) throws {
        for (dependency, cotangent) in found {
            switch dependency {
            case .value(let id): values[id] = try values[id].map { try $0.adding(cotangent) } ?? cotangent
            case .architecture:
                if terms[path] == nil { paths.append(path) }
                terms[path] = try terms[path].map { try $0.adding(cotangent) } ?? cotangent
            }
        }
    }

    /// The sum of all terms; zeros where there are none.
    func total(for architecture: [Tensor]) throws -> [Tensor] {
        guard let first = paths.first else { return try architecture.map { try $0.filled(with: 0) } }
        return try paths.dropFirst().reduce(terms[first]!) { try $0.adding(terms[$1]!) }
    }
}

extension [Dependency: [Tensor]] {
    /// The gradients with respect to these variables, averaged over the ranks; nothing where there are none.
    ///
    /// - Parameter cotangents: of the outputs; 1 by default, for a scalar.
    func gradients(
        of outputs: [Tensor], cotangents: [Tensor]? = nil, releasingGraph: Bool,
        over communicator: any Communicator
    ) throws -> [Dependency: [Tensor]] {
        guard !isEmpty else { return [:] }
        let order = keys.sorted()
        var found = try communicator.mean(
            TensorEngine.gradients(
                of: outputs, withRespectTo: order.flatMap { self[$0]! }, cotangents: cotangents,
                releasingGraph: releasingGraph))[...]
        var result: [Dependency: [Tensor]] = [:]
        for key in order {
            result[key] = Array(found.prefix(self[key]!.count))
            found = found.dropFirst(self[key]!.count)
        }
        return result
    }
}
