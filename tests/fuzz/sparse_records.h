// Feeds bytes to the reader of a text format whose records name their values.
#pragma once

#include <cstdint>

#include "tests/support/format_records.h"
#include "worker/data/format/format.h"

namespace zhiyin::fuzz {

/// Reads the bytes as a file, by Next and by Skip, which must agree on its records. Checks that a
/// record has a value a column, none where it is malformed, and asks whether the format recognises
/// the bytes. A malformed record is an Error that names the file, f.
void ReadRecords(const worker::data::Format& format, const Text& text,
                 const testing::WantedColumns& wanted, const uint8_t* data, size_t size);

}  // namespace zhiyin::fuzz
