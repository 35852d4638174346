// The list of all sequence readers.
#pragma once

#include <span>

#include "worker/model/sequence/sequence_reader.h"

namespace zhiyin::worker::model {

/// Adding a sequence reader is a line here, with NAME for the constant kNAME that its file defines.
#define ZHIYIN_SEQUENCE_READERS(READER) \
  READER(SequencePool)                  \
  READER(Din)                           \
  READER(AttentionPool)                 \
  READER(Bst)

#define ZHIYIN_DECLARE_READER(Name) extern const SequenceReaderKind k##Name;
ZHIYIN_SEQUENCE_READERS(ZHIYIN_DECLARE_READER)
#undef ZHIYIN_DECLARE_READER

std::span<const SequenceReaderKind* const> SequenceReaders();

}  // namespace zhiyin::worker::model
