/// Reads the plain data of Python's pickles, protocols 0 to 5: nothing, truth values, numbers, texts, bytes, lists, tuples,
/// sets, dictionaries and NumPy's scalars. Executes nothing: a pickle that names any other code is refused.
///
/// Memory grows with the bytes that are read, by at most `limit` values.
public struct PickleReader {
    private let bytes: [UInt8]
    private let limit: Int
    private var position = 0
    /// Where the instruction begins that is being read.
    private var start = 0
    private var heap = PickleHeap()
    private var stack: [Int] = []
    private var marks: [Int] = []
    private var memo: [Int: Int] = [:]

    /// The value of a pickle.
    ///
    /// - Parameters:
    ///   - bytes: that begin with the pickle.
    ///   - limit: how many values it may have.
    /// - Throws: `PickleError` where the bytes are no pickle, or one of other than plain data.
    public static func read(_ bytes: [UInt8], limit: Int = 50_000_000) throws -> PickleValue {
        var reader = PickleReader(bytes: bytes, limit: limit)
        return try reader.value()
    }

    private init(bytes: [UInt8], limit: Int) {
        self.bytes = bytes
        self.limit = limit
    }

    private mutating func value() throws -> PickleValue {
        while true {
            start = position
            let code = try byte()
            if code == UInt8(ascii: ".") {
                let index = try pop()
                guard stack.isEmpty, marks.isEmpty else { throw error("values left over at the end") }
                try requirePlain(from: index)
                return PickleValue(heap: heap, index: index)
            }
            try execute(code)
        }
    }

    private func error(_ message: String) -> PickleError { PickleError(start, message) }

    /// That no name of code is among the values.
    private func requirePlain(from root: Int) throws {
        var seen = Set([root])
        var waiting = [root]
        while let index = waiting.popLast() {
            let parts: [Int]
            switch heap.nodes[index] {
            case .global, .dataType: throw error("a name of code among the values, expected plain data")
            case .list(let elements), .tuple(let elements), .set(let elements): parts = elements
            case .dictionary(let keys, let values): parts = keys + values
            default: parts = []
            }
            waiting += parts.filter { seen.insert($0).inserted }
        }
    }

    // MARK: Bytes

    private mutating func byte() throws -> UInt8 {
        guard position < bytes.count else { throw error("the end, expected more") }
        defer { position += 1 }
        return bytes[position]
    }

    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - position else {
            throw error("\(count) bytes, expected at most the \(bytes.count - position) that are left")
        }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    /// An unsigned number of so many bytes, the lowest first.
    private mutating func unsigned(_ size: Int) throws -> Int {
        let value = try take(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let result = Int(exactly: value) else { throw error("the length \(value)") }
        return result
    }

    private mutating func signed32() throws -> Int { Int(Int32(truncatingIfNeeded: try unsigned(4))) }

    /// The bytes up to the end of a line.
    private mutating func lineOfBytes() throws -> ArraySlice<UInt8> {
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else {
            throw error("a line without an end")
        }
        defer { position = end + 1 }
        return bytes[position..<end]
    }

    private mutating func line() throws -> String { try text(lineOfBytes()) }

    private func text(_ bytes: ArraySlice<UInt8>) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw error("a text that is not UTF-8")
        }
        return text
    }

    /// A string of Python 2: a text, or bytes that are none.
    private func string(_ bytes: ArraySlice<UInt8>) -> PickleHeap.Node {
        String(validating: bytes, as: UTF8.self).map { .text($0) } ?? .bytes(Array(bytes))
    }

    private mutating func decimal() throws -> Int {
        let text = try line()
        let digits = text.hasSuffix("L") ? text.dropLast() : text[...]
        guard let value = Int(digits) else { throw error("'\(text)', expected a number of 64 bits") }
        return value
    }

    // MARK: The stack

    private mutating func push(_ node: PickleHeap.Node) throws {
        guard heap.nodes.count < limit else { throw error("more than \(limit) values") }
        heap.nodes.append(node)
        stack.append(heap.nodes.count - 1)
    }

    private mutating func pop() throws -> Int {
        guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
            throw error("no value where one is taken")
        }
        return value
    }

    /// The value on top.
    private func top() throws -> Int {
        guard stack.count > (marks.last ?? 0) else { throw error("no value where one is changed") }
        return stack[stack.count - 1]
    }

    /// All values since the last mark.
    private mutating func popToMark() throws -> [Int] {
        guard let mark = marks.popLast() else { throw error("no mark where values are gathered") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func remember(_ number: Int) throws {
        guard number >= 0 else { throw error("the place \(number) of the memo") }
        memo[number] = try top()
    }

    private mutating func recall(_ number: Int) throws {
        guard let index = memo[number] else { throw error("place \(number) of the memo, which is empty") }
        guard stack.count < limit else { throw error("more than \(limit) values") }
        stack.append(index)
    }

    // MARK: Instructions

    private mutating func execute(_ code: UInt8) throws {
        switch code {
        case 0x80:
            let version = try byte()
            guard version <= 5 else { throw error("protocol \(version), expected at most 5") }
        case 0x95: _ = try unsigned(8)
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "0"):
            if marks.last == stack.count { marks.removeLast() } else { _ = try pop() }
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "2"): stack.append(try top())

        case UInt8(ascii: "N"): try push(.none)
        case 0x88: try push(.bool(true))
        case 0x89: try push(.bool(false))
        case UInt8(ascii: "I"):
            let place = position
            let text = try line()
            if text == "00" || text == "01" {
                try push(.bool(text == "01"))
            } else {
                position = place
                try push(.integer(decimal()))
            }
        case UInt8(ascii: "L"): try push(.integer(decimal()))
        case UInt8(ascii: "J"): try push(.integer(signed32()))
        case UInt8(ascii: "K"): try push(.integer(unsigned(1)))
        case UInt8(ascii: "M"): try push(.integer(unsigned(2)))
        case 0x8A: try push(.integer(long(Int(byte()))))
        case 0x8B: try push(.integer(long(signed32())))
        case UInt8(ascii: "F"):
            let text = try line()
            guard let value = Double(text) else { throw error("'\(text)', expected a number") }
            try push(.number(value))
        case UInt8(ascii: "G"):
            try push(.number(Double(bitPattern: take(8).reduce(0) { $0 << 8 | UInt64($1) })))

        case UInt8(ascii: "S"): try push(.text(unquoted(line())))
        case UInt8(ascii: "V"): try push(.text(unescaped(lineOfBytes())))
        case UInt8(ascii: "T"): try push(string(take(signed32())))
        case UInt8(ascii: "U"): try push(string(take(unsigned(1))))
        case UInt8(ascii: "X"): try push(.text(text(take(unsigned(4)))))
        case 0x8C: try push(.text(text(take(unsigned(1)))))
        case 0x8D: try push(.text(text(take(unsigned(8)))))
        case UInt8(ascii: "B"): try push(.bytes(Array(take(unsigned(4)))))
        case UInt8(ascii: "C"): try push(.bytes(Array(take(unsigned(1)))))
        case 0x8E, 0x96: try push(.bytes(Array(take(unsigned(8)))))

        case UInt8(ascii: "]"): try push(.list([]))
        case UInt8(ascii: ")"): try push(.tuple([]))
        case UInt8(ascii: "}"): try push(.dictionary(keys: [], values: []))
        case 0x8F: try push(.set([]))
        case UInt8(ascii: "l"): try push(.list(popToMark()))
        case UInt8(ascii: "t"): try push(.tuple(popToMark()))
        case 0x85, 0x86, 0x87:
            var elements: [Int] = []
            for _ in 0..<(code - 0x84) { elements.insert(try pop(), at: 0) }
            try push(.tuple(elements))
        case UInt8(ascii: "d"):
            let entries = try popToMark()
            try push(.dictionary(keys: [], values: []))
            try add(entries: entries)
        case 0x91: try push(.set(popToMark()))
        case UInt8(ascii: "a"): try add(elements: [pop()])
        case UInt8(ascii: "e"): try add(elements: popToMark())
        case 0x90: try add(elements: popToMark())
        case UInt8(ascii: "s"):
            let value = try pop()
            try add(entries: [pop(), value])
        case UInt8(ascii: "u"): try add(entries: popToMark())

        case UInt8(ascii: "p"): try remember(decimal())
        case UInt8(ascii: "q"): try remember(unsigned(1))
        case UInt8(ascii: "r"): try remember(unsigned(4))
        case 0x94: try remember(memo.count)
        case UInt8(ascii: "g"): try recall(decimal())
        case UInt8(ascii: "h"): try recall(unsigned(1))
        case UInt8(ascii: "j"): try recall(unsigned(4))

        case UInt8(ascii: "c"):
            let module = try line()
            try push(global("\(module).\(line())"))
        case 0x93:
            let (name, module) = (try pop(), try pop())
            guard case .text(let name) = heap.nodes[name], case .text(let module) = heap.nodes[module] else {
                throw error("a global without a name")
            }
            try push(global("\(module).\(name)"))
        case UInt8(ascii: "R"), 0x81:
            let (arguments, function) = (try pop(), try pop())
            guard case .global(let global) = heap.nodes[function],
                case .tuple(let arguments) = heap.nodes[arguments]
            else { throw error("a call of what is no function") }
            try push(result(of: global, arguments))
        case UInt8(ascii: "b"): try build()
        default:
            throw error("the instruction 0x\(String(code, radix: 16)), which plain data do not need")
        }
    }

    private func global(_ name: String) throws -> PickleHeap.Node {
        guard let global = PickleGlobal(rawValue: name) else {
            throw error("the name '\(name.prefix(100))' of code, expected plain data")
        }
        return .global(global)
    }

    /// A two's complement number of so many bytes, the lowest first.
    private mutating func long(_ size: Int) throws -> Int {
        guard size > 0 else { return 0 }
        let digits = try take(size)
        let sign: UInt8 = digits.last! >= 0x80 ? 0xFF : 0
        guard digits.dropFirst(8).allSatisfy({ $0 == sign }) else {
            throw error("a number of more than 64 bits")
        }
        let low = Array(digits.prefix(8)) + Array(repeating: sign, count: Swift.max(0, 8 - digits.count))
        let value = Int(bitPattern: UInt(low.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }))
        guard size <= 8 || (value < 0) == (sign != 0) else { throw error("a number of more than 64 bits") }
        return value
    }

    private mutating func add(elements: [Int]) throws {
        let target = try top()
        switch heap.nodes[target] {
        case .list(var list):
            heap.nodes[target] = .none
            list += elements
            heap.nodes[target] = .list(list)
        case .set(var set):
            heap.nodes[target] = .none
            set += elements
            heap.nodes[target] = .set(set)
        default: throw error("elements added to what is no list")
        }
    }

    /// - Parameter entries: keys and values in turn.
    private mutating func add(entries: [Int]) throws {
        let target = try top()
        guard entries.count % 2 == 0, case .dictionary(var keys, var values) = heap.nodes[target] else {
            throw error("entries added to what is no dictionary")
        }
        heap.nodes[target] = .none
        for place in stride(from: 0, to: entries.count, by: 2) {
            keys.append(entries[place])
            values.append(entries[place + 1])
        }
        heap.nodes[target] = .dictionary(keys: keys, values: values)
    }

    // MARK: Calls

    /// What a call of a known name makes, which is worked out here.
    private func result(of global: PickleGlobal, _ arguments: [Int]) throws -> PickleHeap.Node {
        let values = arguments.map { heap.nodes[$0] }
        switch global {
        case .orderedDictionary:
            if values.isEmpty { return .dictionary(keys: [], values: []) }
            if values.count == 1, case .list(let pairs) = values[0] {
                let entries = try pairs.map { pair -> [Int] in
                    switch heap.nodes[pair] {
                    case .list(let entry) where entry.count == 2: return entry
                    case .tuple(let entry) where entry.count == 2: return entry
                    default: throw error("an entry that is no pair")
                    }
                }
                return .dictionary(keys: entries.map { $0[0] }, values: entries.map { $0[1] })
            }
        case .set, .setBefore3, .frozenSet, .frozenSetBefore3:
            if values.isEmpty { return .set([]) }
            if values.count == 1, case .list(let elements) = values[0] { return .set(elements) }
        case .encode:
            if values.count == 2, case .text(let text) = values[0], case .text(let encoding) = values[1],
                ["latin1", "latin-1"].contains(encoding)
            {
                return .bytes(
                    try text.unicodeScalars.map {
                        guard let byte = UInt8(exactly: $0.value) else { throw error("no byte among bytes") }
                        return byte
                    })
            }
        case .numpyDataType:
            if case .text(let name)? = values.first { return .dataType(name, isLittleEndian: true) }
        case .numpyScalar, .numpyScalar2:
            if values.count == 2, case .dataType(let name, let isLittleEndian) = values[0],
                case .bytes(let bytes) = values[1]
            {
                return try scalar(name, isLittleEndian ? bytes : bytes.reversed())
            }
        }
        throw error("a call of \(global.rawValue) with other arguments than plain data have")
    }

    /// - Parameter bytes: the lowest first.
    private func scalar(_ type: String, _ bytes: [UInt8]) throws -> PickleHeap.Node {
        let value = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        switch (type, bytes.count) {
        case ("f8", 8): return .number(Double(bitPattern: value))
        case ("f4", 4): return .number(Double(Float(bitPattern: UInt32(value))))
        case ("i8", 8): return .integer(Int(truncatingIfNeeded: value))
        case ("i4", 4): return .integer(Int(Int32(truncatingIfNeeded: value)))
        case ("b1", 1): return .bool(value != 0)
        default:
            throw error("a NumPy scalar '\(type)' of \(bytes.count) bytes, expected f4, f8, i4, i8 or b1")
        }
    }

    /// The state of a NumPy type, whose second part is the order of bytes.
    private mutating func build() throws {
        let state = try pop()
        let target = try top()
        guard case .dataType(let name, _) = heap.nodes[target], case .tuple(let parts) = heap.nodes[state],
            parts.count > 1, case .text(let order) = heap.nodes[parts[1]]
        else { throw error("the state of an object, expected plain data") }
        heap.nodes[target] = .dataType(name, isLittleEndian: order != ">")
    }

    // MARK: Texts of protocol 0

    /// A text in Python's quotes.
    private func unquoted(_ line: String) throws -> String {
        guard line.count >= 2, let quote = line.first, quote == line.last, "'\"".contains(quote),
            !line.contains("\\")
        else { throw error("a text that is not in plain quotes") }
        return String(line.dropFirst().dropLast())
    }

    /// A text of Latin-1's characters, others written as \uXXXX or \UXXXXXXXX.
    private func unescaped(_ line: ArraySlice<UInt8>) throws -> String {
        var result = String.UnicodeScalarView()
        var rest = line.map { Unicode.Scalar($0) }[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\", let kind = rest.first,
                let digits = ["u": 4, "U": 8][Character(kind)]
            else {
                result.append(scalar)
                continue
            }
            rest.removeFirst()
            guard rest.count >= digits,
                let value = UInt32(String(String.UnicodeScalarView(rest.prefix(digits))), radix: 16),
                let character = Unicode.Scalar(value)
            else { throw error("a character that is none") }
            rest.removeFirst(digits)
            result.append(character)
        }
        return String(result)
    }
}
