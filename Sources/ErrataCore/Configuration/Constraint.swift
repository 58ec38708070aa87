/// What is asked of a setting's value beyond its type.
public struct Constraint<Value>: Sendable {
    /// What follows the type in an error message: `≥ 0`, `that is a multiple of 4`.
    public let description: String
    package let admits: @Sendable (Value) -> Bool
    /// What of it machines can check.
    let bounds: [ConfigurationShape.Bound]

    public init(_ description: String, admits: @escaping @Sendable (Value) -> Bool) {
        self.init(description, [], admits: admits)
    }

    private init(
        _ description: String, _ bounds: [ConfigurationShape.Bound?],
        admits: @escaping @Sendable (Value) -> Bool
    ) {
        self.description = description
        self.bounds = bounds.compactMap(\.self)
        self.admits = admits
    }
}

extension Constraint where Value: Comparable & Sendable {
    /// The bound itself is admitted.
    public static func atLeast(_ minimum: Value) -> Self {
        .init("≥ \(short(minimum))", [number(minimum).map { .minimum($0) }]) { $0 >= minimum }
    }

    /// The bound itself is not.
    public static func above(_ bound: Value) -> Self {
        .init("> \(short(bound))", [number(bound).map { .above($0) }]) { $0 > bound }
    }

    /// Both bounds are admitted.
    public static func within(_ range: ClosedRange<Value>) -> Self {
        .init(
            "from \(short(range.lowerBound)) to \(short(range.upperBound))",
            [number(range.lowerBound).map { .minimum($0) }, number(range.upperBound).map { .maximum($0) }]
        ) { range.contains($0) }
    }

    /// The upper bound is left out.
    public static func within(_ range: Range<Value>) -> Self {
        .init(
            "from \(short(range.lowerBound)) to below \(short(range.upperBound))",
            [number(range.lowerBound).map { .minimum($0) }, number(range.upperBound).map { .below($0) }]
        ) { range.contains($0) }
    }

    private static func number(_ value: Value) -> Double? {
        value as? Double ?? (value as? Int).map(Double.init)
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
