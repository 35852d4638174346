#include "worker/sequence/sequence_reader.h"

#include <glog/logging.h>

#include <algorithm>

namespace zhiyin::worker {
namespace {

const InputLayout::Part& PartNamed(const InputLayout& layout, const std::string& name) {
  const auto part = std::find_if(layout.fields.begin(), layout.fields.end(),
                                 [&](const InputLayout::Part& p) { return p.name == name; });
  CHECK(part != layout.fields.end()) << name;
  return *part;
}

}  // namespace

std::unique_ptr<ColumnLayer> MakeSequenceReader(const SequenceReader& config, const InputLayout& layout,
                                                   int64_t* /*n_weights*/) {
  const InputLayout::Part& sequence = PartNamed(layout, config.field());
  switch (config.kind_case()) {
    case SequenceReader::kPool:
      return MakeSequencePool(config.pool(), sequence);
    case SequenceReader::KIND_NOT_SET:
      break;
  }
  LOG(FATAL) << "a sequence reader without a kind passed validation";
}

}  // namespace zhiyin::worker
