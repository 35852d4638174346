#include "ps/client/save_call.h"

#include "common/bytes.h"
#include "common/error.h"
#include "common/text.h"
#include "ps/protocol.h"

namespace zhiyin::ps::client {

void SaveCall::Accept(size_t server, const net::Frame& reply, const std::string& name) {
  --n_missing;
  if (reply.header().clock == kSaveFailed) {
    failure = name + ": " + Shortened(OneLine(reply.text()), 500);
    return;
  }
  SavedFile& file = files[server];
  ByteReader in(reply.text(), net::NameOf(reply));
  file.n_rows = in.Get<int64_t>();
  file.n_bytes = in.Get<int64_t>();
  file.digest = in.Get<uint64_t>();
  const uint64_t is_changes = in.Get<uint64_t>();
  file.is_changes = is_changes == 1;
  if (is_changes > 1 || file.n_rows < 0 || file.n_bytes < 0 || !in.AtEnd())
    Fail(net::NameOf(reply), ": ", file.n_rows, " rows in ", file.n_bytes, " bytes, and ",
         reply.text().size(), " bytes that say so, which cannot be");
}

}  // namespace zhiyin::ps::client
