import DARTS
import DCGAN
import ErrataCLI

ErrataCLI.main(plugins: [DARTSPlugin(), DCGANPlugin()])
