// The split of a worker that sees no file of it.
#pragma once

#include <memory>

#include "worker/data/source.h"

namespace zhiyin::worker::data {

/// Makes the source of a worker where another one reads the split from a pipe: its files are that
/// pipe, and it reads no block.
std::unique_ptr<Source> MakeUnseenSource();

}  // namespace zhiyin::worker::data
