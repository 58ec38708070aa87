import CPUEngine
import Foundation
import NeuralNetworks
import TensorEngine

/// Numbers that the PyTorch side makes as well (`reference/filling.py`): both begin with the same weights, images and
/// architecture.
extension CPUBackend {
    /// Values in −1..<1 of a tensor that has this name.
    func filled(_ name: String, _ shape: Shape) throws -> Tensor {
        let seed = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return try tensor(
            (0..<shape.count).map { index in
                Float(Double(mixed(seed &+ UInt64(index)) >> 40) * 0x1p-23 - 1)
            }, shape)
    }

    /// A model's first values: of unit gain, its buffers as they begin.
    func filled(_ layout: ModelLayout) throws -> ModelState {
        var state = try layout.initialState(on: self, .float32, from: RandomStream(seed: 1))
        state.parameters = try layout.parameters.map { entry in
            let values = try filled(entry.name, entry.shape)
            guard entry.shape.rank > 1 else {
                return try values * 0.1 + (entry.name.hasSuffix("scale") ? 1 : 0)
            }
            return try values * (3 / Double(entry.shape.rows)).squareRoot()
        }
        return state
    }
}

/// SplitMix64's (Steele, Lea and Flood, 2014).
private func mixed(_ value: UInt64) -> UInt64 {
    var z = value &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
}
