/** Version of the API, not of the program. `since` of the methods refers to it. */
export const apiVersion = '1.1'
