import ErrataCore
import Experiments
import Foundation
import Testing

@Suite("The JSON Schema of specs")
struct SpecSchemaTests {
    private func schema() throws -> [String: Any] {
        let text = try SpecSchema.text(TinyRun().registry, TinyRun.defaults)
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require(object as? [String: Any])
    }

    /// What stands at a path of keys.
    private func value(_ path: String, in object: [String: Any]) throws -> [String: Any] {
        try path.split(separator: "/").reduce(object) {
            try #require($0[String($1)] as? [String: Any], "\(path)")
        }
    }

    @Test("Every section of a spec is there, and nothing else is admitted")
    func sections() throws {
        let schema = try schema()
        let keys = try value("properties", in: schema).keys
        #expect(Set(keys) == Set(ExperimentSpec.fields.map(\.key)).union(["extends", "matrix"]))
        #expect(schema["additionalProperties"] as? Bool == false)
        #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
    }

    @Test("A setting has its type, its bounds, its default and its meaning")
    func settings() throws {
        let schema = try schema()
        let epochs = try value("properties/search/properties/epochs", in: schema)
        #expect(epochs["type"] as? String == "integer" && epochs["default"] as? Int == 50)
        #expect(epochs["minimum"] as? Int == 1 && epochs["maximum"] as? Int == 1_000_000)
        #expect(epochs["description"] as? String == "epochs of each stage of the search")
        let smoothing = try value("properties/evaluation/properties/label_smoothing", in: schema)
        #expect(smoothing["exclusiveMaximum"] as? Int == 1)
        let precision = try value("properties/precision", in: schema)
        #expect(precision["enum"] as? [String] == ["float32", "float64"])
        let limit = try value("properties/data/properties/limit", in: schema)
        #expect((limit["anyOf"] as? [[String: Any]])?.last?["type"] as? String == "null")
    }

    @Test("A component is a name, or a mapping with its own settings, those of what it chooses included")
    func components() throws {
        let schema = try schema()
        let reference = try #require(
            try value("properties/generator", in: schema)["anyOf"] as? [[String: Any]])
        #expect(reference[0]["$ref"] as? String == "#/$defs/generator")
        let generators = try #require(try value("$defs/generator", in: schema)["anyOf"] as? [[String: Any]])
        #expect(generators[0]["const"] as? String == "dcgan")
        let mapping = try #require(generators.last)
        #expect(try value("properties/name", in: mapping)["const"] as? String == "dcgan")
        #expect(try value("properties/noise", in: mapping)["type"] as? String == "integer")
        let rate = try value("properties/training/properties/generator/properties/optimizer", in: mapping)
        #expect(rate["$ref"] as? String == "#/$defs/optimizer")
        let optimizers = try #require(try value("$defs/optimizer", in: schema)["anyOf"] as? [[String: Any]])
        #expect(optimizers.contains { $0["const"] as? String == "rmsprop" })
    }

    @Test("The networks' settings are those of any search space")
    func networks() throws {
        let network = try value("properties/evaluation/properties/network", in: schema())
        let spaces = try #require(network["anyOf"] as? [[String: Any]])
        #expect(try spaces.contains { try value("properties", in: $0)["drop_path"] != nil })
        #expect(try spaces.contains { try value("properties", in: $0)["drop_path"] == nil })
    }
}
