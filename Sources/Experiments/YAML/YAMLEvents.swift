import CYAML
import ErrataCore

/// One event of libyaml's parser.
struct YAMLEvent {
    var kind: Kind
    var location: ConfigurationValue.Location
    /// The anchor it defines.
    var anchor: String?
    /// The tag as resolved, such as `tag:yaml.org,2002:int`.
    var tag: String?

    enum Kind: Equatable {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias(String)
        case scalar(String, plain: Bool)
        case sequenceStart, sequenceEnd
        case mappingStart, mappingEnd
    }
}

/// libyaml's parser over bytes in memory.
final class YAMLEvents {
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let input: UnsafeMutableBufferPointer<UInt8>
    private let source: String
    private let fixedLocation: ConfigurationValue.Location?

    init(_ bytes: [UInt8], source: String, fixedLocation: ConfigurationValue.Location?) {
        self.source = source
        self.fixedLocation = fixedLocation
        input = .allocate(capacity: bytes.count)
        _ = input.initialize(from: bytes)
        guard yaml_parser_initialize(parser) == 1 else { fatalError("libyaml: out of memory") }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    var start: ConfigurationValue.Location { location(line: 0, column: 0) }

    func next() throws(ConfigurationErrors) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw error() }
        defer { yaml_event_delete(&event) }
        let data = event.data
        var anchor: UnsafeMutablePointer<yaml_char_t>?
        var tag: UnsafeMutablePointer<yaml_char_t>?
        let kind: YAMLEvent.Kind
        switch event.type {
        case YAML_STREAM_START_EVENT: kind = .streamStart
        case YAML_DOCUMENT_START_EVENT: kind = .documentStart
        case YAML_DOCUMENT_END_EVENT: kind = .documentEnd
        case YAML_ALIAS_EVENT: kind = .alias(String(cString: data.alias.anchor))
        case YAML_SCALAR_EVENT:
            let bytes = UnsafeBufferPointer(start: data.scalar.value, count: data.scalar.length)
            kind = .scalar(
                String(decoding: bytes, as: UTF8.self), plain: data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
            (anchor, tag) = (data.scalar.anchor, data.scalar.tag)
        case YAML_SEQUENCE_START_EVENT:
            kind = .sequenceStart
            (anchor, tag) = (data.sequence_start.anchor, data.sequence_start.tag)
        case YAML_SEQUENCE_END_EVENT: kind = .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            kind = .mappingStart
            (anchor, tag) = (data.mapping_start.anchor, data.mapping_start.tag)
        case YAML_MAPPING_END_EVENT: kind = .mappingEnd
        default: kind = .streamEnd
        }
        return YAMLEvent(
            kind: kind, location: location(line: event.start_mark.line, column: event.start_mark.column),
            anchor: anchor.map { String(cString: $0) }, tag: tag.map { String(cString: $0) })
    }

    private func location(line: Int, column: Int) -> ConfigurationValue.Location {
        fixedLocation ?? .init(source, line: line + 1, column: column + 1)
    }

    /// What stopped the parser.
    private func error() -> ConfigurationErrors {
        let state = parser.pointee
        let problem = state.problem.map { String(cString: $0) } ?? "out of memory"
        guard state.error == YAML_READER_ERROR else {
            let context = state.context.map { " (\(String(cString: $0)))" } ?? ""
            return ConfigurationErrors(
                "\(problem)\(context)",
                at: location(line: Int(state.problem_mark.line), column: Int(state.problem_mark.column)))
        }
        // The reader knows only the offset of the byte that is no character.
        let before = input.prefix(Int(state.problem_offset))
        let line = before.count { $0 == UInt8(ascii: "\n") }
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? before.startIndex
        let column = String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count
        return ConfigurationErrors(problem, at: location(line: line, column: column))
    }
}
