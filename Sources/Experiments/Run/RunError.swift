/// Why a run cannot begin or go on: what is wrong, and what to change.
public struct RunError: Error, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
