import CPUEngine
import ErrataCore
import Foundation
import NeuralNetworks
import TensorEngine
import Testing

func fixture<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"))
    return try JSONDecoder().decode(type, from: Data(contentsOf: url))
}

/// The eight operations of DARTS on each of so many edges.
func darts(_ edges: Int) -> [[String]] {
    Array(
        repeating: [
            "none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5",
            "dil_conv_3x3", "dil_conv_5x5",
        ], count: edges)
}

func pass(
    _ purpose: PassPurpose = .training, epoch: Int = 0, epochs: Int = 50, warmup: Int = 0, seed: UInt64 = 1
) -> RelaxationPass {
    RelaxationPass(
        purpose, time: TrainingTime(epoch: epoch, epochs: epochs, warmup: warmup),
        random: RandomStream(seed: seed, "pass"))
}

/// The largest difference of two lists of one length; infinite where they have different ones.
func distance(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).map { abs($0 - $1) }.max() ?? 0
}
