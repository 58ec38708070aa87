/// The components that a spec gets where it names none: a program's own choice among its plugins.
public struct ComponentDefaults: Sendable, Hashable {
    public var searchSpace: String
    public var method: String
    /// `nil` for none, where no method of the program needs one.
    public var generator: String?
    public var weighter: String?
    public var hypergradient: String
    public var dataset: String

    /// Names as they are registered.
    public init(
        searchSpace: String, method: String, generator: String? = nil, weighter: String? = nil,
        hypergradient: String = "first-order", dataset: String
    ) {
        self.searchSpace = searchSpace
        self.method = method
        self.generator = generator
        self.weighter = weighter
        self.hypergradient = hypergradient
        self.dataset = dataset
    }
}
