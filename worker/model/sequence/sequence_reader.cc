#include "worker/model/sequence/sequence_reader.h"

#include <glog/logging.h>

namespace zhiyin::worker::model {

std::unique_ptr<nn::ColumnLayer> MakeSequenceReader(const SequenceReader& config,
                                                    const InputLayout& layout, int64_t* n_weights) {
  const InputLayout::Part& sequence = layout.FieldNamed(config.field());
  switch (config.kind_case()) {
    case SequenceReader::kPool:
      return MakeSequencePool(config.pool(), sequence);
    case SequenceReader::kDin:
      return MakeDin(config.din(), sequence, layout.FieldNamed(config.din().query()), n_weights);
    case SequenceReader::kAttentionPool:
      return MakeAttentionPool(config.attention_pool(), sequence, n_weights);
    case SequenceReader::kBst:
      return MakeBst(config.bst(), sequence, layout.FieldNamed(config.bst().query()), n_weights);
    case SequenceReader::KIND_NOT_SET:
      break;
  }
  LOG(FATAL) << "a sequence reader without a kind passed validation";
}

}  // namespace zhiyin::worker::model
