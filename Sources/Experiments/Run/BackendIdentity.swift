import TensorEngine

extension Backend {
    var identity: String { summary }
}
