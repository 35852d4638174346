#include "ps/server/push_gradients.h"

namespace zhiyin::ps::server {

size_t PushGradients::Bytes(const PendingPull& pull) const {
  if (pull.request.bytes().empty()) return 0;
  size_t n = 0;
  for (const Section& section : SectionsOf(pull.request, tables_->size())) {
    const table::TableSpec& spec = (*tables_)[section.table].spec();
    n += WireBytes(spec.wire, section.n_keys * static_cast<size_t>(spec.dim));
  }
  return n;
}

}  // namespace zhiyin::ps::server
