/// What is asked of a setting's value beyond its type.
public struct Constraint<Value>: Sendable {
    /// What follows the type in an error message: `≥ 0`, `that is a multiple of 4`.
    public let description: String
    package let admits: @Sendable (Value) -> Bool

    public init(_ description: String, admits: @escaping @Sendable (Value) -> Bool) {
        self.description = description
        self.admits = admits
    }
}

extension Constraint where Value: Comparable & Sendable {
    /// The bound itself is admitted.
    public static func atLeast(_ minimum: Value) -> Self { .init("≥ \(short(minimum))") { $0 >= minimum } }

    /// The bound itself is not.
    public static func above(_ bound: Value) -> Self { .init("> \(short(bound))") { $0 > bound } }

    /// Both bounds are admitted.
    public static func within(_ range: ClosedRange<Value>) -> Self {
        .init("from \(short(range.lowerBound)) to \(short(range.upperBound))") { range.contains($0) }
    }

    /// The upper bound is left out.
    public static func within(_ range: Range<Value>) -> Self {
        .init("from \(short(range.lowerBound)) to below \(short(range.upperBound))") { range.contains($0) }
    }

    /// `0` for 0.0.
    private static func short(_ value: Value) -> String {
        let text = "\(value)"
        return value is Double && text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

extension Constraint where Value: Collection & Sendable {
    /// So many elements.
    public static func count(_ count: Int) -> Self { .init("of \(count)") { $0.count == count } }

    public static var notEmpty: Self { .init("that is not empty") { !$0.isEmpty } }
}
