#include "apps/cli/commands.h"

/// `ekya`: the commands that need no camera and no model are here; for the others it becomes
/// `ekya-live`.
int main(int argc, char** argv) { return ekya::cli::Main(argc, argv, EKYA_VERSION); }
