/// The name of a player's variables or of a coupling's quantity: `w1`, `class_weights`.
public struct ValueID: Hashable, Sendable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let name: String

    public init(_ name: String) { self.name = name }

    public init(stringLiteral name: String) { self.name = name }

    public var description: String { name }

    public static func < (one: Self, other: Self) -> Bool { one.name < other.name }
}
