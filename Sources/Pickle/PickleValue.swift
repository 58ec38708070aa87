/// A value of a pickle. Values refer to each other as Python's do: one may stand in several places, and within itself.
public struct PickleValue: Sendable {
    let heap: PickleHeap
    let index: Int

    /// What a value is. Dictionaries keep the order in which they were filled.
    public enum Content: Sendable {
        case none
        case bool(Bool)
        case integer(Int)
        case number(Double)
        case text(String)
        case bytes([UInt8])
        case list([PickleValue])
        case tuple([PickleValue])
        case set([PickleValue])
        case dictionary([(key: PickleValue, value: PickleValue)])
    }

    public var content: Content {
        func values(_ indices: [Int]) -> [PickleValue] { indices.map { PickleValue(heap: heap, index: $0) } }
        switch heap.nodes[index] {
        case .none: return .none
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .number(let value): return .number(value)
        case .text(let value): return .text(value)
        case .bytes(let value): return .bytes(value)
        case .list(let elements): return .list(values(elements))
        case .tuple(let elements): return .tuple(values(elements))
        case .set(let elements): return .set(values(elements))
        case .dictionary(let keys, let elements):
            return .dictionary(Array(zip(values(keys), values(elements))).map { (key: $0, value: $1) })
        case .global, .dataType: preconditionFailure("a name of code among the values")
        }
    }

    public var text: String? { if case .text(let value) = heap.nodes[index] { value } else { nil } }
    public var integer: Int? { if case .integer(let value) = heap.nodes[index] { value } else { nil } }

    /// A number, integers too.
    public var number: Double? {
        switch heap.nodes[index] {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }

    /// The elements of a list, a tuple or a set.
    public var elements: [PickleValue]? {
        switch content {
        case .list(let elements), .tuple(let elements), .set(let elements): elements
        default: nil
        }
    }

    /// The entries of a dictionary.
    public var entries: [(key: PickleValue, value: PickleValue)]? {
        if case .dictionary(let entries) = content { entries } else { nil }
    }

    /// The value of a text key of a dictionary, the last where it is there twice.
    public subscript(key: String) -> PickleValue? {
        guard case .dictionary(let keys, let values) = heap.nodes[index] else { return nil }
        let place = keys.lastIndex { if case .text(key) = heap.nodes[$0] { true } else { false } }
        return place.map { PickleValue(heap: heap, index: values[$0]) }
    }
}

/// The values of a pickle, which refer to each other by their places here.
struct PickleHeap: Sendable {
    enum Node: Sendable {
        case none
        case bool(Bool)
        case integer(Int)
        case number(Double)
        case text(String)
        case bytes([UInt8])
        case list([Int])
        case tuple([Int])
        case set([Int])
        case dictionary(keys: [Int], values: [Int])
        /// A name of code that plain data are made by.
        case global(PickleGlobal)
        /// NumPy's type of a scalar, such as `f8`; and whether its bytes are little-endian.
        case dataType(String, isLittleEndian: Bool)
    }

    var nodes: [Node] = []
}

/// The names of code that make plain data; no other is read.
enum PickleGlobal: String, Sendable {
    case orderedDictionary = "collections.OrderedDict"
    case set = "builtins.set"
    case setBefore3 = "__builtin__.set"
    case frozenSet = "builtins.frozenset"
    case frozenSetBefore3 = "__builtin__.frozenset"
    /// How bytes are written before protocol 3.
    case encode = "_codecs.encode"
    case numpyScalar = "numpy.core.multiarray.scalar"
    case numpyScalar2 = "numpy._core.multiarray.scalar"
    case numpyDataType = "numpy.dtype"
}
