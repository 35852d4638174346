// The gradients of a push, table by table.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/net/frame.h"
#include "common/number.h"
#include "ps/protocol.h"
#include "ps/server/pending_pulls.h"
#include "ps/server/request_check.h"
#include "ps/table/table.h"

namespace zhiyin::ps::server {

/// Reads the gradients of a push, for the rows of its pull. Borrows the tables; used by one thread.
class PushGradients {
 public:
  explicit PushGradients(std::vector<table::Table>* tables) : tables_(tables) {}

  /// The bytes of the gradients in a push of this pull.
  size_t Bytes(const PendingPull& pull) const;

  /// Calls visit(table, rows [n_keys], gradients [n_keys, dim], weights [n_keys, dim] that were
  /// pulled or nullptr) for every section. Visits nothing where the pull has no rows. The gradients
  /// are valid until the next section. REQUIRES: the push has Bytes(pull) of gradients.
  template <typename Visit>
  void ForEachSection(const PendingPull& pull, const net::Frame& push, const Visit& visit) {
    if (pull.rows.empty()) return;
    const std::byte* from = push.payload().data() + sizeof(PushPrelude);
    std::byte* const* row = pull.rows.data();
    for (const Section& section : SectionsOf(pull.request, tables_->size())) {
      table::Table& table = (*tables_)[section.table];
      const NumberType wire = table.spec().wire;
      const size_t n = section.n_keys * static_cast<size_t>(table.dim());
      const float* gradients = reinterpret_cast<const float*>(from);
      if (wire != FP32) {
        widened_.resize(n);
        ToFloats(wire, from, n, widened_.data());
        gradients = widened_.data();
      }
      const bool has_weights =
          section.table < pull.weights.size() && !pull.weights[section.table].empty();
      visit(table, std::span(row, section.n_keys), gradients,
            has_weights ? pull.weights[section.table].data() : nullptr);
      row += section.n_keys;
      from += WireBytes(wire, n);
    }
  }

 private:
  std::vector<table::Table>* tables_;
  std::vector<float> widened_;  // workspace
};

}  // namespace zhiyin::ps::server
