#include "common/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace zhiyin {

uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

struct Digest::State {
  XXH3_state_t xxh3;
};

Digest::Digest() : state_(std::make_unique<State>()) {
  XXH3_64bits_reset(&state_->xxh3);
}

Digest::~Digest() = default;

void Digest::Update(std::span<const std::byte> bytes) {
  XXH3_64bits_update(&state_->xxh3, bytes.data(), bytes.size());
}

uint64_t Digest::Value() const {
  return XXH3_64bits_digest(&state_->xxh3);
}

}  // namespace zhiyin
