// The products of oneDNN (https://www.oneapi.io), version 2.
#pragma once

#include <string>

#include "worker/model/nn/product.h"

namespace zhiyin::worker::model::nn {

/// Whether oneDNN, built in, multiplies bfloat16 numbers by instructions of this processor: as the
/// environment variable DNNL_MAX_CPU_ISA (oneDNN's own) allows.
bool OneDnnHasBfloat16();

/// Whether oneDNN is of use on this processor, as DNNL_MAX_CPU_ISA allows: with AVX-512. With less
/// it is no faster than Eigen, and the bits of a row depend on how many rows there are.
bool OneDnnIsOfUse();

/// "oneDNN 2.6.3 (AVX-512)".
std::string DescribeOneDnn();

/// c = a b, or c += a b if `adds`, in the calling thread alone, by code that each thread makes for
/// the shape and keeps if `for_shape`. REQUIRES: as Multiply; no shape is 0; for_shape only for
/// bfloat16 numbers, with b and c without gaps. Any number of threads.
void OneDnnProduct(const Factor& a, const Factor& b, bool adds, bool for_shape, MutableBlock c);

}  // namespace zhiyin::worker::model::nn
