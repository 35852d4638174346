// A stream that compresses what is written to it.
#pragma once

#include <array>
#include <memory>
#include <ostream>
#include <streambuf>
#include <string>

#include "worker/data/codec/codec.h"

namespace zhiyin::worker::data {

/// Writes one member of a compressed file to another stream, which outlives it. What that stream
/// throws is passed on. Used by one thread.
class CompressingStream : public std::ostream {
 public:
  CompressingStream(const Codec& codec, std::ostream* to);

  /// Ends the member. Called once, last; without it the member is truncated.
  void Finish();

 private:
  class Buffer : public std::streambuf {
   public:
    Buffer(const Codec& codec, std::ostream* to);
    void Finish();

   protected:
    int_type overflow(int_type c) override;
    int sync() override;

   private:
    /// Passes on what was encoded.
    void Pass();

    std::unique_ptr<Encoder> encoder_;
    std::ostream* to_;
    std::string encoded_;
    std::array<char, 1 << 16> plain_;
  };

  Buffer buffer_;
};

}  // namespace zhiyin::worker::data
