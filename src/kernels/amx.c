/* amx.c - the set of kernels for AMX: those of AVX-512 but for products of many rows. */
#include "kernels/amx.h"

void cv_kernels_amx(cv_kernels *table)
{
    cv_amx_bf16(table);
    cv_amx_int8(table);
}
