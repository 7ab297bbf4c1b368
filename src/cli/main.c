#include <cogvideo/cogvideo.h>

int main(void)
{
    return 0;
}
