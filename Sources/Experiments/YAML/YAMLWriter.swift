import CYAML
import ErrataCore

/// Writes values as YAML: block style, lists of scalars on one line, and quotes where a text would otherwise be
/// read as something else, by YAML 1.1 too.
public struct YAMLWriter: Sendable {
    /// What `YAMLReader` reads as the same values.
    public static func text(_ value: ConfigurationValue) -> String {
        let emitter = YAMLEmitter()
        emitter.document(value)
        return emitter.finish()
    }
}

/// libyaml's emitter over bytes in memory.
private final class YAMLEmitter {
    private let emitter = UnsafeMutablePointer<yaml_emitter_t>.allocate(capacity: 1)
    private var bytes: [UInt8] = []

    init() {
        guard yaml_emitter_initialize(emitter) == 1 else { fatalError("libyaml: out of memory") }
        yaml_emitter_set_unicode(emitter, 1)
        yaml_emitter_set_width(emitter, -1)
        yaml_emitter_set_output(
            emitter,
            { emitter, bytes, count in
                Unmanaged<YAMLEmitter>.fromOpaque(emitter!).takeUnretainedValue()
                    .bytes.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
                return 1
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        yaml_emitter_delete(emitter)
        emitter.deallocate()
    }

    func finish() -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    func document(_ value: ConfigurationValue) {
        emit { yaml_stream_start_event_initialize(&$0, YAML_UTF8_ENCODING) }
        emit { yaml_document_start_event_initialize(&$0, nil, nil, nil, 1) }
        node(value)
        emit { yaml_document_end_event_initialize(&$0, 1) }
        emit { yaml_stream_end_event_initialize(&$0) }
    }

    private func node(_ value: ConfigurationValue) {
        switch value.content {
        case .null: scalar("null", YAML_PLAIN_SCALAR_STYLE)
        case .scalar(let text, quoted: false): scalar(text, YAML_PLAIN_SCALAR_STYLE)
        case .scalar(let text, quoted: true): self.text(text)
        case .sequence(let elements):
            let style =
                elements.allSatisfy(\.isScalar) ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE
            emit { yaml_sequence_start_event_initialize(&$0, nil, nil, 1, style) }
            elements.forEach(node)
            emit { yaml_sequence_end_event_initialize(&$0) }
        case .mapping(let entries):
            emit { yaml_mapping_start_event_initialize(&$0, nil, nil, 1, YAML_BLOCK_MAPPING_STYLE) }
            for entry in entries {
                text(entry.key)
                node(entry.value)
            }
            emit { yaml_mapping_end_event_initialize(&$0) }
        }
    }

    private func text(_ text: String) {
        let style =
            text.escaped != text
            ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
            : text.readsAsAnotherType ? YAML_SINGLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE
        scalar(text, style)
    }

    private func scalar(_ text: String, _ style: yaml_scalar_style_t) {
        let bytes = Array(text.utf8)
        // Never empty, so that there is a pointer.
        emit { yaml_scalar_event_initialize(&$0, nil, nil, bytes + [0], Int32(bytes.count), 1, 1, style) }
    }

    /// Text is valid UTF-8 and events come in order, so that only memory can be wanting.
    private func emit(_ initialize: (inout yaml_event_t) -> Int32) {
        var event = yaml_event_t()
        guard initialize(&event) == 1, yaml_emitter_emit(emitter, &event) == 1 else {
            fatalError("libyaml: \(emitter.pointee.problem.map { String(cString: $0) } ?? "out of memory")")
        }
    }
}

extension ConfigurationValue {
    fileprivate var isScalar: Bool {
        switch content {
        case .null, .scalar: true
        case .sequence, .mapping: false
        }
    }
}

extension String {
    /// Whether a reader of YAML 1.1 or 1.2 may take it, unquoted, for null, a truth value, a number, a date or
    /// a merge key.
    fileprivate var readsAsAnotherType: Bool {
        let words = ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "="]
        if words.contains(lowercased()) { return true }
        let unsigned = drop { $0 == "+" || $0 == "-" }
        let first = (unsigned.first == "." ? unsigned.dropFirst() : unsigned).first
        return first?.isNumber == true || [".inf", ".nan"].contains(unsigned.lowercased())
    }
}
